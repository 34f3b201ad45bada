import { decode } from 'nostr-tools/nip19'
import { readHexKey } from './key-words.js'
import { decodeNpub, readNpub } from './npub.js'

/** Why a text is no public key. Stable: callers match on it, never on the message. */
export type PubkeyErrorCode =
  | 'not_a_string'
  | 'empty'
  | 'too_long'
  | 'not_ascii'
  | 'secret_key'
  | 'wrong_prefix'
  | 'bad_checksum'
  | 'bad_length'
  | 'unknown_form'

/** A Nostr public key (64 lower-case hex digits), or the reason why the text is none. */
export type PubkeyResult =
  { ok: true; pubkey: string } | { ok: false; code: PubkeyErrorCode; message: string }

/** Longest text that is looked at, in characters: the cap that NIP-19 sets. */
export const MAX_PUBKEY_LENGTH = 5000

const HEX_KEY = /^[0-9a-f]{64}$/
const ZERO_WIDTH = /[\u00ad\u200b-\u200d\u2060\ufeff]/gu
const BLANK = /[\s\u200b-\u200d\u2060\ufeff]/u
const SECRET = /n(?:crypt)?sec1/i
const SECRET_KEYS = /n(?:crypt)?sec1[a-z0-9]*/gi
const BECH32 = /^([a-z]+)1[a-z0-9]+$/

const MESSAGES: Record<PubkeyErrorCode, string> = {
  not_a_string: 'a public key must be one string',
  empty: 'the public key is empty',
  too_long: `a public key has at most ${MAX_PUBKEY_LENGTH} characters`,
  not_ascii: 'a public key has ASCII letters and digits only',
  secret_key:
    'this is a SECRET key, not a public key; treat it as leaked: stop using it and make a new one',
  wrong_prefix:
    'this is a Nostr identifier, but not a key: use npub1…, nprofile1… or 64 hex digits',
  bad_checksum: 'the checksum is wrong: a character was changed or left out',
  bad_length: 'a public key has 32 bytes, which are 64 hex digits',
  unknown_form: 'not a Nostr public key: use npub1…, nprofile1… or 64 hex digits',
}

/**
 * Reads a key in one of the two forms that nearly all come in, 64 lower-case hex digits or `npub1…` in lower
 * case, into eight 32-bit words; false for any other text, which may still be a key.
 */
export function readPlainPubkey(text: string, words: Uint32Array): boolean {
  return readHexKey(text, words) || readNpub(text, words)
}

/**
 * Reads a Nostr public key: 64 hex digits in any case, `npub1…` or `nprofile1…` (NIP-19), each with
 * or without `nostr:` (NIP-21). White space around it is ignored.
 *
 * Never throws, and no message repeats the text: it may be a secret. That the key is a point on the
 * curve is not checked.
 */
export function parsePubkey(text: unknown): PubkeyResult {
  if (typeof text !== 'string') return refuse('not_a_string')
  // The two forms that nearly all keys come in.
  const plain = HEX_KEY.test(text) ? text : decodeNpub(text)
  if (plain !== undefined) return { ok: true, pubkey: plain }
  if (isSecretKey(text)) return refuse('secret_key')
  if (text.length > MAX_PUBKEY_LENGTH) return refuse('too_long')
  const trimmed = trimBlanks(text)
  if (trimmed === '') return refuse('empty')
  // Before any lower-casing: the Kelvin sign would become a `k`, which is a bech32 letter.
  if (!/^[\x21-\x7e]+$/.test(trimmed)) return refuse('not_ascii')
  return parseBare(trimmed.replace(/^nostr:/i, ''))
}

/** Whether the text holds a secret key (`nsec1…`, `ncryptsec1…`) in any letter case, whole or not. */
export function isSecretKey(text: string): boolean {
  // No bech32 data part has a `1`, so no public key can contain these.
  return SECRET.test(text.replace(ZERO_WIDTH, ''))
}

/** The text with every `nsec1…` and `ncryptsec1…` in it blotted out. */
export function blotSecretKeys(text: string): string {
  return text.replace(SECRET_KEYS, '[secret key]')
}

/** White space and zero-width characters; a regular expression would try every run of them inside. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANK.test(text.charAt(start))) start += 1
  while (end > start && BLANK.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function parseBare(bare: string): PubkeyResult {
  const lower = bare.toLowerCase()
  if (HEX_KEY.test(lower)) return { ok: true, pubkey: lower }
  if (/^[0-9a-f]+$/.test(lower)) return refuse('bad_length')
  const prefix = BECH32.exec(lower)?.[1]
  if (prefix === undefined) return refuse('unknown_form')
  if (prefix === 'npub' || prefix === 'nprofile') return parseBech32(bare)
  return refuse(/^(note|nevent|naddr|nrelay)$/.test(prefix) ? 'wrong_prefix' : 'unknown_form')
}

function parseBech32(text: string): PubkeyResult {
  const pubkey = decodeBech32(text)
  if (pubkey === undefined) return refuse('bad_checksum')
  // nostr-tools does not check the length of an npub: one of 0 or 31 bytes decodes "fine".
  return HEX_KEY.test(pubkey) ? { ok: true, pubkey } : refuse('bad_length')
}

function decodeBech32(text: string): string | undefined {
  try {
    const decoded = decode(text)
    if (decoded.type === 'npub') return decoded.data
    if (decoded.type === 'nprofile') return decoded.data.pubkey
    return undefined
  } catch {
    // The error's text repeats the whole input, so it goes no further.
    return undefined
  }
}

function refuse(code: PubkeyErrorCode): PubkeyResult {
  return { ok: false, code, message: MESSAGES[code] }
}
