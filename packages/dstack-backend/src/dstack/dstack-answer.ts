import { blotSecretKeys } from '@dstack-node/service-kit/pubkey'
import * as z from 'zod'
import { parseJson, type BoundedResponse } from '../requests/bounded-request.js'
import { withoutCredentials } from '../requests/without-credentials.js'
import type { TokenProblem } from './dstack-token.js'
import { oneLine } from '../one-line.js'

/** A GPU as the VMM lists it. `isFree` is a hint, no verdict on the card's health. */
export interface Gpu {
  slot: string
  productId: string
  description: string
  isFree: boolean
}

/** Why there is no list of GPUs. */
export type DstackFailure = 'connect' | 'timeout' | 'auth' | 'http' | 'invalid' | 'too_large'

/** What the VMM said, or why it said nothing that makes sense. */
export type GpuReading =
  | { ok: true; gpus: Gpu[]; allowAttachAll: boolean }
  | {
      ok: false
      failure: DstackFailure
      /** For the log: the system's code, or what was wrong with the answer. */
      detail: string
      /** Of the answer, where there was one. */
      status?: number
      /** What the answer says of its error, short, on one line, and without a secret. */
      words?: string
      /** Why there was no token to send, where there should be one. */
      tokenProblem?: TokenProblem
    }

/** More can't be a list of GPUs, of which 200 take 30 KiB. */
export const MAX_ANSWER_BYTES = 1024 * 1024
const MAX_WORDS = 300

/** In proto3's JSON a field that is absent or null has its default value; older VMMs leave some out. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)
const listGpusSchema = z.object({
  gpus: z.array(z.object({ slot: text, product_id: text, description: text, is_free: flag })),
  allow_attach_all: flag,
})
const errorSchema = z.object({ error: z.string() })

/** Reads an answer to a `ListGpus` that was sent with these credentials, which nothing of it repeats. */
export function parseAnswer(response: BoundedResponse, authorization?: string): GpuReading {
  const { status, text: body, truncated, bodyError } = response
  const fail = (failure: DstackFailure, detail: string): GpuReading => {
    return { ok: false, failure, detail, status }
  }
  if (status === 401 || status === 403) {
    return fail('auth', `status ${status}${authorization === undefined ? ' without a token' : ''}`)
  }
  if (status !== 200) {
    const words = readWords(body, authorization)
    return { ...fail('http', `status ${status}`), ...(words !== '' && { words }) }
  }
  if (bodyError) return fail(bodyError.kind, bodyError.code)
  if (truncated) return fail('too_large', `more than ${MAX_ANSWER_BYTES} bytes`)
  const parsed = listGpusSchema.safeParse(parseJson(body))
  if (!parsed.success) return fail('invalid', 'the answer is no list of GPUs')
  return { ok: true, ...toGpus(parsed.data) }
}

function toGpus({ gpus, allow_attach_all }: z.output<typeof listGpusSchema>) {
  return {
    gpus: gpus.map(({ slot, product_id, description, is_free }) => ({
      slot,
      productId: product_id,
      description,
      isFree: is_free,
    })),
    allowAttachAll: allow_attach_all,
  }
}

/** The error text of an answer, as the VMM puts it; empty without one. */
function readWords(body: string, authorization: string | undefined): string {
  const { data } = errorSchema.safeParse(parseJson(body))
  // Cut last: half a secret would not be recognised.
  return oneLine(blotSecretKeys(withoutCredentials(data?.error ?? '', authorization)), MAX_WORDS)
}
