import type { Allowlist } from '../../list/allowlist.js'
import { keyAt, sortTable, type KeyTable } from '../../list/key-table.js'
import { textAt, type TextColumn } from '../../list/text-column.js'

/** The answer to `listallowedpubkeys`, in UTF-8: without the keys that have expired. */
export function formatAllowed({ keys, reasons, expiries }: Allowlist, now: number): Uint8Array {
  return formatResult(keys, reasons, (position) => now < (expiries[position] ?? Infinity))
}

/** The answer to `listbannedpubkeys`, in UTF-8. */
export function formatBanned({ banned, banReasons }: Allowlist): Uint8Array {
  return formatResult(banned, banReasons, () => true)
}

function formatResult(
  keys: KeyTable,
  reasons: TextColumn,
  isShown: (position: number) => boolean,
): Uint8Array {
  const items = Array.from(sortTable(keys).positions)
    .filter(isShown)
    .map((position) => {
      const reason = JSON.stringify(textAt(reasons, position) ?? '')
      return `{"pubkey":"${keyAt(keys, position)}","reason":${reason}}`
    })
  return Buffer.from(`{"result":[${items.join(',')}]}`)
}
