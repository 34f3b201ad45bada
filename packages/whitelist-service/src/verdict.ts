import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { hashEntry, type Allowlist } from './allowlist.js'
import { findKey } from './key-table.js'
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

/**
 * Judges a key, 64 lower-case hex digits, now. A ban wins over everything; a key that expires is listed
 * up to the second before. `nowSeconds`, since 1970, is only asked where a key does expire.
 */
export function judge(allowlist: Allowlist, pubkey: string, nowSeconds: () => number): Verdict {
  if (findKey(allowlist.banned, pubkey) !== -1) return BANNED
  const position = findKey(allowlist.keys, pubkey)
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
