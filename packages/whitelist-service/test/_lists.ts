import { nip19 } from 'nostr-tools'
import fc from 'fast-check'
import { parseAllowlist, type Allowlist } from '../src/list/allowlist.js'
import { bytesOf } from './_bytes.js'

/** What a test's list says of one key. */
export interface ListedKey {
  hex: string
  /** How its entries spell it; none where it is not listed. */
  entries: string[]
  expiresAt: number | undefined
  label: string | undefined
  banned: boolean
}

/** Around which expiries lie. */
export const NOW = 1_800_000_000

/** Few enough that they meet, some of them alike at either end. */
const KEYS = [
  ...['0', '7', 'f'].map((digit) => digit.repeat(64)),
  ...['00', '01', '80', 'ff'].map((end) => 'ab'.repeat(31) + end),
  ...['00', '01', '80', 'ff'].map((start) => start + 'cd'.repeat(31)),
]

const SPELLINGS: ((hex: string) => string)[] = [
  (hex) => hex,
  (hex) => hex.toUpperCase(),
  (hex) => nip19.npubEncode(hex),
  (hex) => nip19.npubEncode(hex).toUpperCase(),
  (hex) => nip19.nprofileEncode({ pubkey: hex, relays: ['wss://relay.example'] }),
  (hex) => `nostr:${nip19.npubEncode(hex)}`,
  (hex) => ` ${hex}\n`,
]

/** A key in one of its spellings. */
export function anySpelling(hex: string): fc.Arbitrary<string> {
  return fc.constantFrom(...SPELLINGS.map((spell) => spell(hex)))
}

export const anyKeys: fc.Arbitrary<ListedKey[]> = fc
  .uniqueArray(fc.constantFrom(...KEYS))
  .chain((keys) => fc.tuple(...keys.map(anyListedKey)))

function anyListedKey(hex: string): fc.Arbitrary<ListedKey> {
  return fc.record({
    hex: fc.constant(hex),
    entries: fc.array(anySpelling(hex), { maxLength: 3 }),
    expiresAt: fc.option(fc.integer({ min: NOW - 3, max: NOW + 3 }), { nil: undefined }),
    label: fc.option(fc.constantFrom('Ann', 'B "b"', '\u00e9\ud83d\ude00'), { nil: undefined }),
    banned: fc.boolean(),
  })
}

/** The file that says so, with its entries in the order of the ranks. */
export function fileOf(keys: readonly ListedKey[], ranks: readonly number[] = []): Uint8Array {
  const pubkeys = keys
    .flatMap(({ entries }) => entries)
    .map((entry, index) => ({ entry, rank: ranks[index % ranks.length] ?? 0 }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry)
  const meta = keys.map(({ hex, label, expiresAt }) => [hex, { label, expires_at: expiresAt }])
  const banned = keys.filter((key) => key.banned).map(({ hex }) => [hex, { reason: 'spam' }])
  return bytesOf(
    JSON.stringify({
      pubkeys,
      meta: Object.fromEntries(meta) as object,
      banned: Object.fromEntries(banned) as object,
    }),
  )
}

/** The list that says so. */
export function allowlistOf(keys: readonly ListedKey[], ranks?: readonly number[]): Allowlist {
  return parseAllowlist(fileOf(keys, ranks))
}

/** Whether a key is let in, told the plainest way. */
export function isAllowed({ entries, banned, expiresAt = Infinity }: ListedKey, now: number) {
  return entries.length > 0 && !banned && now < expiresAt
}
