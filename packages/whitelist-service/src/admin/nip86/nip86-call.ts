import { isSecretKey, parsePubkey } from '@dstack-node/service-kit/pubkey'
import * as z from 'zod'
import { MAX_REASON_LENGTH } from '../../list/allowlist-document.js'
import { MethodError } from './method-error.js'
import { plainText } from '../editing/plain-text.js'

/** What the body of a request holds (NIP-86); whatever else is in it belongs to others. */
export const callSchema = z.object({
  method: z.string(),
  params: z
    .array(z.unknown())
    .nullish()
    .describe('of a method that changes the list: the pubkey and, if there is one, the reason'),
})

/** A method that is called. */
export interface Nip86Call {
  method: string
  params: readonly unknown[]
}

/** Reads the body of a request. Throws a MethodError that doesn't repeat it. */
export function parseCall(body: Uint8Array): Nip86Call {
  const result = callSchema.safeParse(parseJson(body))
  if (result.success) return { method: result.data.method, params: result.data.params ?? [] }
  throw new MethodError('the body must be {"method": "…", "params": […]}')
}

/** What every method takes that changes something. */
export interface ChangeParams {
  pubkey: string
  reason: string | undefined
}

/** Reads `[pubkey, reason]`; what follows is ignored. Throws a MethodError that doesn't repeat it. */
export function parseChangeParams([pubkey, reason]: readonly unknown[]): ChangeParams {
  const result = parsePubkey(pubkey)
  if (!result.ok) throw new MethodError(`the first parameter: ${result.message}`)
  return { pubkey: result.pubkey, reason: parseReason(reason) }
}

/** nak sends an empty text where there is no reason. */
function parseReason(reason: unknown): string | undefined {
  if (reason === undefined || reason === null) return undefined
  if (typeof reason !== 'string') throw new MethodError('the reason must be a text')
  if (isSecretKey(reason)) {
    throw new MethodError('the reason holds a SECRET key: treat it as leaked and make a new one')
  }
  if (reason.length > MAX_REASON_LENGTH) {
    throw new MethodError(`the reason has more than ${MAX_REASON_LENGTH} characters`)
  }
  return plainText(reason, MAX_REASON_LENGTH)
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // The error's own text repeats a piece of the body, which may be a secret.
    throw new MethodError('the body is not valid JSON')
  }
}
