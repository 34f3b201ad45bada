import type { Allowlist } from '../../list/allowlist.js'
import { findKey, type KeyTable } from '../../list/key-table.js'
import type { Change } from '../change.js'

/** The parts of a list by which a change shows. */
export type Countable = Pick<Allowlist, 'keys' | 'banned' | 'otherCount'>

/**
 * Whether a list that was edited says of each changed key what the changes want, and as much as before of
 * all others: a last look, by other means than those of the edit, before it takes the place of the old one.
 */
export function isAsMeant(
  before: Countable,
  after: Countable,
  changes: readonly Change[],
): boolean {
  const last = new Map(changes.map((change) => [change.pubkey, change.action]))
  const grown = { keys: 0, banned: 0 }
  for (const [pubkey, action] of last) {
    const is = { keys: has(after.keys, pubkey), banned: has(after.banned, pubkey) }
    if (!isDone(action, is)) return false
    grown.keys += Number(is.keys) - Number(has(before.keys, pubkey))
    grown.banned += Number(is.banned) - Number(has(before.banned, pubkey))
  }
  return (
    after.keys.size - before.keys.size === grown.keys &&
    after.banned.size - before.banned.size === grown.banned &&
    after.otherCount === before.otherCount
  )
}

function isDone(
  action: Change['action'],
  { keys: listed, banned }: Record<'keys' | 'banned', boolean>,
) {
  switch (action) {
    case 'allow':
      return listed && !banned
    case 'unallow':
      return !listed
    case 'ban':
      return banned && !listed
    case 'unban':
      return !banned
  }
}

function has(table: KeyTable, pubkey: string): boolean {
  return findKey(table, pubkey) !== -1
}
