import { createHash } from 'node:crypto'
import { verifyEvent } from 'nostr-tools/pure'
import { readToken, type SignedEvent, type TokenFormatCode } from './nip98-token.js'

/** Why a token is refused. Stable: callers match on it, never on the message. */
export type Nip98ErrorCode =
  | TokenFormatCode
  | 'token_wrong_kind'
  | 'token_expired'
  | 'token_from_future'
  | 'token_bad_tags'
  | 'token_wrong_url'
  | 'token_wrong_method'
  | 'token_payload_missing'
  | 'token_wrong_payload'
  | 'token_bad_signature'

/** The request that a token has to be for. */
export interface SignedRequest {
  /** Every absolute URL that the token may name, with the raw query. */
  urls: readonly string[]
  /** As the request spells it. */
  method: string
  /** The raw bytes; `unseen` where a proxy keeps them, so that no token can be held against them. */
  body: Uint8Array | 'unseen'
}

/** What is known of a token whose signature holds. */
export interface Nip98Token {
  id: string
  pubkey: string
  /** In seconds since 1970. */
  createdAt: number
}

/** What comes of a token; `forbidden`: its signer is who they say, but not one of those allowed. */
export type Nip98Verdict =
  | { kind: 'valid' | 'forbidden'; token: Nip98Token }
  | { kind: 'invalid'; code: Nip98ErrorCode; message: string }

interface Nip98Options {
  nowSeconds: number
  isAllowed: (pubkey: string) => boolean
}

/** How old a token may be, and how far ahead a client's clock. */
export const TOKEN_WINDOW_SECONDS = 60
const HTTP_AUTH_KIND = 27235

const MESSAGES: Record<Nip98ErrorCode, string> = {
  token_missing: 'this needs a signed token: Authorization: Nostr <base64 of the event> (NIP-98)',
  token_too_long: 'the token is too long',
  token_wrong_scheme: 'the Authorization header must start with Nostr (NIP-98)',
  token_bad_base64: 'the token is not base64',
  token_not_json: 'the token is not a JSON text',
  token_bad_event: 'the token is not a Nostr event',
  token_wrong_kind: 'the token is an event of another kind',
  token_expired: 'the token is too old: make a new one, and check the clock',
  token_from_future: 'the token is from the future: check the clock',
  token_bad_tags: 'the token must have one u tag, one method tag and at most one payload tag',
  token_wrong_url: 'the token is for another URL',
  token_wrong_method: 'the token is for another method',
  token_payload_missing: 'the token must have the hash of the body in a payload tag',
  token_wrong_payload: 'the token is for another body',
  token_bad_signature: 'the signature of the token is wrong',
}

/**
 * Judges the `Authorization` header of a request (NIP-98), cheap checks first: a signature costs about
 * 3 ms. Never throws, and no message repeats the header or tells what was expected.
 *
 * That a token works only once is up to the caller, who claims it when the verdict is `valid`.
 */
export function verifyNip98(
  header: string | undefined,
  request: SignedRequest,
  { nowSeconds, isAllowed }: Nip98Options,
): Nip98Verdict {
  const event = readToken(header)
  if (typeof event === 'string') return refuse(event)
  const problem =
    checkEvent(event, nowSeconds) ?? checkTags(event.tags) ?? checkRequest(event, request)
  if (problem !== undefined) return refuse(problem)
  // Remembered, not answered: without the signature, anybody could ask who is allowed.
  const allowed = isAllowed(event.pubkey)
  if (!isSigned(event)) return refuse('token_bad_signature')
  const token = { id: event.id, pubkey: event.pubkey, createdAt: event.created_at }
  return { kind: allowed ? 'valid' : 'forbidden', token }
}

/** A URL as clients may spell it: the slash of an empty path is optional, all else is exact. */
export function rootUrlForms(url: string): readonly string[] {
  const [, origin, query = ''] = /^([a-z]+:\/\/[^/?#]+)\/?(\?.*)?$/.exec(url) ?? []
  return origin === undefined ? [url] : [`${origin}/${query}`, `${origin}${query}`]
}

function checkEvent(event: SignedEvent, nowSeconds: number): Nip98ErrorCode | undefined {
  if (event.kind !== HTTP_AUTH_KIND) return 'token_wrong_kind'
  const age = nowSeconds - event.created_at
  if (age < -TOKEN_WINDOW_SECONDS) return 'token_from_future'
  // Not `age > …`: a time that is no number lets nobody in.
  if (!(age <= TOKEN_WINDOW_SECONDS)) return 'token_expired'
  return undefined
}

function checkTags(tags: SignedEvent['tags']): Nip98ErrorCode | undefined {
  const [urls = [], methods = [], payloads = []] = ['u', 'method', 'payload'].map((name) =>
    tags.filter((tag) => tag[0] === name),
  )
  const areOnce = urls.length === 1 && methods.length === 1 && payloads.length <= 1
  const arePairs = [...urls, ...methods, ...payloads].every((tag) => tag.length === 2)
  return areOnce && arePairs ? undefined : 'token_bad_tags'
}

function checkRequest(
  { tags }: SignedEvent,
  { urls, method, body }: SignedRequest,
): Nip98ErrorCode | undefined {
  const url = valueOf(tags, 'u')
  if (url === undefined || !urls.includes(url)) return 'token_wrong_url'
  const signedMethod = valueOf(tags, 'method')
  if (signedMethod !== method || method !== method.toUpperCase()) return 'token_wrong_method'
  return body === 'unseen' ? undefined : checkPayload(valueOf(tags, 'payload'), body)
}

function checkPayload(payload: string | undefined, body: Uint8Array): Nip98ErrorCode | undefined {
  if (payload === undefined) return body.length > 0 ? 'token_payload_missing' : undefined
  const hash = createHash('sha256').update(body).digest('hex')
  return payload === hash ? undefined : 'token_wrong_payload'
}

function valueOf(tags: SignedEvent['tags'], name: string): string | undefined {
  return tags.find((tag) => tag[0] === name)?.[1]
}

function isSigned(event: SignedEvent): boolean {
  try {
    // A copy: nostr-tools believes the mark that it leaves on an object it has verified.
    return verifyEvent({ ...event })
  } catch {
    return false
  }
}

function refuse(code: Nip98ErrorCode): Nip98Verdict {
  return { kind: 'invalid', code, message: MESSAGES[code] }
}
