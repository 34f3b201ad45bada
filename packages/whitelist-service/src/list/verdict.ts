import { readHexKey, WORDS_PER_KEY } from '@dstack-node/service-kit/key-words'
import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { hashEntry, type Allowlist } from './allowlist.js'
import { findKey, findWords } from './key-table.js'
import { textAt } from './text-column.js'

/** What the list says of a key at one moment. Only `listed` lets anybody in. */
export interface Verdict {
  code: 'listed' | 'not_listed' | 'banned' | 'expired'
  /** What the list calls the key. */
  label?: string
  /** The first second, since 1970, in which the key is no longer listed. */
  expiresAt?: number
}

const BANNED: Verdict = { code: 'banned' }
const NOT_LISTED: Verdict = { code: 'not_listed' }
const LISTED: Verdict = { code: 'listed' }

/** Judges a key, 64 lower-case hex digits, now. `nowSeconds`, since 1970, is only asked where a key expires. */
export function judge(allowlist: Allowlist, pubkey: string, nowSeconds: () => number): Verdict {
  readHexKey(pubkey, words)
  return judgeWords(allowlist, words, nowSeconds)
}

const words = new Uint32Array(WORDS_PER_KEY)

/**
 * Judges a key of eight 32-bit words now. A ban wins over everything; a key that expires is listed up to the
 * second before.
 */
export function judgeWords(
  allowlist: Allowlist,
  key: Uint32Array,
  nowSeconds: () => number,
): Verdict {
  if (findWords(allowlist.banned, key) !== -1) return BANNED
  const position = findWords(allowlist.keys, key)
  if (position === -1) return NOT_LISTED
  const expiresAt = allowlist.expiries[position] ?? Infinity
  const label = textAt(allowlist.labels, position)
  if (expiresAt === Infinity && label === undefined) return LISTED
  return {
    code: expiresAt === Infinity || nowSeconds() < expiresAt ? 'listed' : 'expired',
    ...(label !== undefined && { label }),
    ...(expiresAt !== Infinity && { expiresAt }),
  }
}

/**
 * Whether a query, in any spelling of a key, is on the list; one that is no key is if an entry is spelled
 * exactly so. Never throws. `result` is what parsePubkey says of the query, where that is known already.
 */
export function isListed(
  allowlist: Allowlist,
  query: string,
  nowSeconds: () => number,
  result = parsePubkey(query),
): boolean {
  if (result.ok) return judge(allowlist, result.pubkey, nowSeconds).code === 'listed'
  return allowlist.otherEntries.size > 0 && findKey(allowlist.otherEntries, hashEntry(query)) !== -1
}
