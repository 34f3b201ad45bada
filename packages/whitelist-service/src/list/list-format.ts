import { gzipSync } from 'node:zlib'
import { formatNpub } from '@dstack-node/service-kit/npub'
import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { formatAllowed, formatBanned } from '../admin/nip86/nip86-lists.js'
import type { Allowlist } from './allowlist.js'
import { findKey, keyAt, sortTable } from './key-table.js'

/**
 * How the list is written: as the file spells it and in its order, or in hex or npub, sorted and each key
 * once, or as plain text with one hex key a line.
 */
export const LIST_FORMATS = ['file', 'hex', 'npub', 'text'] as const
/** The answers to the methods of NIP-86 that list keys; for admins only. */
export type AdminListFormat = 'nip86_allowed' | 'nip86_banned'
export type ListFormat = (typeof LIST_FORMATS)[number] | AdminListFormat

/** A wish for the list in bytes. */
export interface ListOrder {
  format: ListFormat
  gzip: boolean
  /** The moment, in seconds since 1970; keys that have expired by then are left out. */
  now: number
}

/** The list in that form, as UTF-8. */
export function formatList(allowlist: Allowlist, { format, gzip, now }: ListOrder): Uint8Array {
  const bytes = formatPlain(allowlist, format, now)
  return gzip ? gzipSync(bytes) : bytes
}

function formatPlain(allowlist: Allowlist, format: ListFormat, now: number): Uint8Array {
  if (format === 'file') return formatEntries(allowlist, now)
  if (format === 'nip86_allowed') return formatAllowed(allowlist, now)
  if (format === 'nip86_banned') return formatBanned(allowlist)
  return formatKeys(allowlist, format, now)
}

function formatEntries(allowlist: Allowlist, now: number): Uint8Array {
  const { expiries, keys, listBody } = allowlist
  if (!expiries.some((expiry) => expiry <= now)) return listBody
  const { pubkeys } = JSON.parse(Buffer.from(listBody.buffer).toString()) as { pubkeys: string[] }
  const isExpired = (entry: string) => {
    const result = parsePubkey(entry)
    return result.ok && (expiries[findKey(keys, result.pubkey)] ?? Infinity) <= now
  }
  return Buffer.from(JSON.stringify({ pubkeys: pubkeys.filter((entry) => !isExpired(entry)) }))
}

function formatKeys(
  { keys, expiries }: Allowlist,
  format: 'hex' | 'npub' | 'text',
  now: number,
): Uint8Array {
  const hex = Array.from(sortTable(keys).positions)
    .filter((position) => now < (expiries[position] ?? Infinity))
    .map((position) => keyAt(keys, position))
  if (format === 'text') return Buffer.from(hex.map((key) => `${key}\n`).join(''))
  return Buffer.from(JSON.stringify({ pubkeys: format === 'npub' ? hex.map(formatNpub) : hex }))
}
