import { parsePubkey } from '@dstack-node/service-kit'
import { AllowlistFormatError, lineOfEntry, parseAllowlistDocument } from './allowlist-document.js'
import { addKey, createKeyTable, hasKey, type KeyTable } from './key-table.js'

/** A list of public keys, ready to be asked; plain data, so that one thread can hand it to another. */
export interface Allowlist {
  /** The valid keys, each once, however many entries spell it. */
  keys: KeyTable
  /** Entries that are no valid key; they match a query that is spelled exactly so. */
  otherEntries: ReadonlySet<string>
  /** The positions of those entries in the file, counted from 0. */
  otherIndexes: readonly number[]
  /** How many entries the file has. */
  entryCount: number
  /** The answer of `GET /api/list`: JSON in UTF-8, as the file spells the entries and in its order. */
  listBody: Uint8Array<ArrayBuffer>
}

/**
 * Makes a list of the bytes of `whitelist.json`.
 *
 * Throws an AllowlistFormatError when it is not of that form, or when an entry is a secret key.
 */
export function parseAllowlist(bytes: Uint8Array): Allowlist {
  const { pubkeys } = parseAllowlistDocument(bytes)
  const keys = createKeyTable(pubkeys.length)
  const otherEntries = new Set<string>()
  const otherIndexes: number[] = []
  for (const [index, entry] of pubkeys.entries()) {
    const result = parsePubkey(entry)
    if (result.ok) {
      addKey(keys, result.pubkey)
    } else if (result.code === 'secret_key') {
      throw new AllowlistFormatError(describeSecret(bytes, index))
    } else {
      otherEntries.add(entry)
      otherIndexes.push(index)
    }
  }
  const listBody = new TextEncoder().encode(JSON.stringify({ pubkeys }))
  return { keys, otherEntries, otherIndexes, entryCount: pubkeys.length, listBody }
}

/** Whether a query, in any spelling of a key, is on the list. Never throws. */
export function isListed(allowlist: Allowlist, query: string): boolean {
  const result = parsePubkey(query)
  return result.ok ? hasKey(allowlist.keys, result.pubkey) : allowlist.otherEntries.has(query)
}

function describeSecret(bytes: Uint8Array, index: number): string {
  return (
    `entry ${index} (line ${lineOfEntry(bytes, index)}) is a SECRET key: take it out, put its npub1… ` +
    'there instead, and treat the secret as leaked'
  )
}
