/** What is looked at, in this order. */
export const STEP_NAMES = [
  'configuration',
  'owner',
  'key',
  'address',
  'dstack',
  'gpus',
  'registry',
  'permission',
  'whitelist',
] as const

export type StepName = (typeof STEP_NAMES)[number]

/** What was found at one step. */
export interface Step {
  name: StepName
  /** Null where there is nothing to look at, or not yet. */
  ok: boolean | null
  message: string
  /** What to do about it; where it is well, there is a doubt left. */
  nextStep?: string
}

const NAME_WIDTH = Math.max(...STEP_NAMES.map(({ length }) => length))
/** The mark, the name and what stands between them. */
const INDENT = ' '.repeat(NAME_WIDTH + 4)

/** It is well. */
export function well(name: StepName, message: string): Step {
  return { name, ok: true, message }
}

/** It works, but somebody should look at it. */
export function doubtful(name: StepName, message: string, nextStep: string): Step {
  return { name, ok: true, message, nextStep }
}

/** It is wrong. */
export function wrong(name: StepName, message: string, nextStep: string): Step {
  return { name, ok: false, message, nextStep }
}

/** There is nothing to look at, or not yet. */
export function skipped(name: StepName, message: string): Step {
  return { name, ok: null, message }
}

/** A step as a line for people; what to do is a line of its own. */
export function formatStep(step: Step): string {
  const line = `${markOf(step)} ${step.name.padEnd(NAME_WIDTH)}  ${step.message}\n`
  return step.nextStep === undefined ? line : `${line}${INDENT}→ ${step.nextStep}\n`
}

function markOf({ ok, nextStep }: Step): string {
  if (ok === null) return '–'
  if (!ok) return '✗'
  return nextStep === undefined ? '✓' : '!'
}

/** A step as scripts read it. */
export function stepToJson({ name, ok, message, nextStep }: Step): object {
  return { name, ok, message, next_step: nextStep }
}
