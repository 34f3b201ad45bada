import * as z from 'zod'

/** Why a header holds no event at all. */
export type TokenFormatCode =
  | 'token_missing'
  | 'token_too_long'
  | 'token_wrong_scheme'
  | 'token_bad_base64'
  | 'token_not_json'
  | 'token_bad_event'

/** Longest header that is looked at, in characters; a usual one has about 640. */
export const MAX_HEADER_LENGTH = 4096
const MAX_TAGS = 32
const MAX_TAG_ITEMS = 16

const SCHEME = /^nostr(?:[ \t]+|$)/i
/** One alphabet or the other (RFC 4648, sections 4 and 5), not a mixture. */
const BASE64 = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}$/

const hexOf = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const boundedText = z.string().max(MAX_HEADER_LENGTH)

/** An event as NIP-01 has it, with nothing beside it. */
const signedEventSchema = z.strictObject({
  id: hexOf(64),
  pubkey: hexOf(64),
  created_at: z.int().nonnegative(),
  kind: z.int().min(0).max(65535),
  tags: z.array(z.array(boundedText).min(1).max(MAX_TAG_ITEMS)).max(MAX_TAGS),
  content: boundedText,
  sig: hexOf(128),
})

/** An event of the right shape; nothing in it is checked yet. */
export type SignedEvent = z.infer<typeof signedEventSchema>

/** Reads an `Authorization: Nostr <base64>` header, or tells why there is no event in it. */
export function readToken(header: string | undefined): SignedEvent | TokenFormatCode {
  if (header === undefined || header === '') return 'token_missing'
  if (header.length > MAX_HEADER_LENGTH) return 'token_too_long'
  const scheme = SCHEME.exec(header)?.[0]
  if (scheme === undefined) return 'token_wrong_scheme'
  const encoded = header.slice(scheme.length)
  if (encoded === '') return 'token_missing'
  const bytes = decodeBase64(encoded)
  if (bytes === undefined) return 'token_bad_base64'
  const json = parseJson(bytes)
  if (json === undefined) return 'token_not_json'
  return signedEventSchema.safeParse(json).data ?? 'token_bad_event'
}

/** Node's own decoder skips over whatever it doesn't know. */
function decodeBase64(encoded: string): Uint8Array | undefined {
  if (!BASE64.test(encoded)) return undefined
  if (encoded.endsWith('=') && encoded.length % 4 !== 0) return undefined
  const bytes = Buffer.from(encoded, 'base64url')
  // Only one spelling for the same bytes: the last character may have bits that stand for nothing.
  const canonical = encoded.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')
  return bytes.toString('base64url') === canonical ? bytes : undefined
}

/** Undefined for what is no JSON; JSON itself has no such value. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return undefined
  }
}
