import { createHash, type Hash } from 'node:crypto'
import { sortTable, type KeyTable } from './key-table.js'

const VERSION_DIGITS = 16

/** Everything of a list that verdicts depend on. */
export interface VerdictSources {
  keys: KeyTable
  /** For each position of `keys`, in seconds since 1970; empty where no key expires. */
  expiries: Float64Array
  banned: KeyTable
  otherEntries: KeyTable
}

/**
 * The version of a list: 16 hex digits that are the same wherever the same keys are listed, banned and
 * expire alike, in whatever order and spelling.
 */
export function versionOf({ keys, expiries, banned, otherEntries }: VerdictSources): string {
  const hash = createHash('sha256')
  const order = addKeys(hash, keys)
  const times = Float64Array.from(
    expiries.length === 0 ? [] : order,
    (at) => expiries[at] ?? Infinity,
  )
  hash.update(Uint32Array.of(times.length)).update(times)
  addKeys(hash, banned)
  addKeys(hash, otherEntries)
  return hash.digest('hex').slice(0, VERSION_DIGITS)
}

/** Hashes a table, its size first, so that nothing can count for another part; tells the order. */
function addKeys(hash: Hash, table: KeyTable): Uint32Array {
  const { positions, words } = sortTable(table)
  hash.update(Uint32Array.of(table.size)).update(words)
  return positions
}
