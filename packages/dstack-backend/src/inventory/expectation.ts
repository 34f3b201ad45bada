/** The GPUs that a machine should have. */
export interface Expectation {
  /** The model as the operator writes it, like `H200`; undefined where any will do. */
  model?: string
  count: number
}

const MAX_COUNT = 1000

/** A model's name, then `x` and the number of cards; the last `x` counts, since `RTX` has one too. */
const MODEL_AND_COUNT = /^([A-Za-z0-9][\w .-]{0,99})x(\d{1,4})$/

/**
 * Reads EXPECTED_GPUS: a number of cards, like `8`, or a model and a number, like `H200x8`. Throws an Error for
 * anything else.
 */
export function parseExpectedGpus(text: string): Expectation {
  const [, model, count] = /^()(\d{1,4})$/.exec(text) ?? MODEL_AND_COUNT.exec(text) ?? []
  const expectation = toExpectation(model, count)
  if (!expectation) {
    throw new Error(
      `must be a number of cards from 0 to ${MAX_COUNT}, or a model and a number: H200x8`,
    )
  }
  return expectation
}

/** What a node type of the usual form, `node-H200x8`, says; undefined for any other. */
export function expectationOf(nodeType: string): Expectation | undefined {
  const [, said = ''] = /^node-(.*)$/.exec(nodeType) ?? []
  const [, model, count] = MODEL_AND_COUNT.exec(said) ?? []
  return toExpectation(model, count)
}

/** How people write it: `8`, `H200x8`. */
export function formatExpectation({ model, count }: Expectation): string {
  return model === undefined ? String(count) : `${model}x${count}`
}

function toExpectation(model?: string, digits?: string): Expectation | undefined {
  if (digits === undefined || Number(digits) > MAX_COUNT) return undefined
  return { ...(model && { model: model.trim() }), count: Number(digits) }
}
