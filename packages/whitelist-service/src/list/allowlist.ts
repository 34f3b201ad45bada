import { createHash } from 'node:crypto'
import { readHexKey, WORDS_PER_KEY } from '@dstack-node/service-kit/key-words'
import { parsePubkey, readPlainPubkey } from '@dstack-node/service-kit/pubkey'
import {
  AllowlistFormatError,
  lineOfEntry,
  parseAllowlistDocument,
  type AllowlistDocument,
} from './allowlist-document.js'
import {
  addKey,
  addWords,
  createKeyTable,
  findKey,
  findWords,
  MAX_KEYS,
  type KeyTable,
} from './key-table.js'
import { versionOf } from './list-version.js'
import { shareText } from './shared-bytes.js'
import { createTextColumn, type TextColumn } from './text-column.js'

/**
 * A list of public keys, ready to be asked. It is plain data over shared memory, whatever its size: one
 * thread makes it, others use it, and nothing is copied or built again.
 */
export interface Allowlist {
  /** 16 hex digits: the same for the same listed, banned and expiring keys. */
  version: string
  /** The valid keys that are not banned, each once, however many entries spell it. */
  keys: KeyTable
  /** When each of `keys` expires, in seconds since 1970 or Infinity; empty where none does. */
  expiries: Float64Array
  labels: TextColumn
  reasons: TextColumn
  banned: KeyTable
  banReasons: TextColumn
  /** Hashes of the entries that are no valid key; they match a query that is spelled exactly so. */
  otherEntries: KeyTable
  /** The positions of the first few of those in the file, counted from 0, and how many there are. */
  otherIndexes: readonly number[]
  otherCount: number
  /** How many entries the file has. */
  entryCount: number
  /**
   * `{"pubkeys": […]}` in UTF-8: the entries that are not banned, as the file spells them and in its
   * order.
   */
  listBody: Uint8Array
}

const INDEXES_KEPT = 10

/**
 * Makes a list of the bytes of `whitelist.json`.
 *
 * Throws an AllowlistFormatError when it is not of that form, or when an entry is a secret key.
 */
export function parseAllowlist(bytes: Uint8Array): Allowlist {
  const document = parseAllowlistDocument(bytes)
  const banned = tableOf([...document.banned.keys()])
  const { keys, otherEntries, ...entries } = readEntries(bytes, document.pubkeys, banned)
  const expiries = expiriesOf(document, keys)
  return {
    version: versionOf({ keys, expiries, banned, otherEntries }),
    keys,
    expiries,
    labels: columnOf(keys, document.meta, ({ label }) => label),
    reasons: columnOf(keys, document.meta, ({ reason }) => reason),
    banned,
    banReasons: columnOf(banned, document.banned, ({ reason }) => reason),
    otherEntries,
    ...entries,
  }
}

/** The key under which a text that is no public key stands in `otherEntries`. */
export function hashEntry(text: string): string {
  // In UTF-8, halves of a character would all be the same.
  return createHash('sha256').update(text, 'utf16le').digest('hex')
}

function readEntries(bytes: Uint8Array, pubkeys: string[], banned: KeyTable) {
  if (pubkeys.length > MAX_KEYS) {
    throw new AllowlistFormatError(`"pubkeys" has more than ${MAX_KEYS} entries`)
  }
  const keys = createKeyTable(pubkeys.length)
  const others: string[] = []
  const otherIndexes: number[] = []
  const bannedIndexes = new Set<number>()
  const key = new Uint32Array(WORDS_PER_KEY)
  for (let index = 0; index < pubkeys.length; index += 1) {
    const entry = pubkeys[index] ?? ''
    const result = readPlainPubkey(entry, key) ? undefined : parsePubkey(entry)
    if (result === undefined || result.ok) {
      if (result) readHexKey(result.pubkey, key)
      if (findWords(banned, key) === -1) addWords(keys, key)
      else bannedIndexes.add(index)
    } else if (result.code === 'secret_key') {
      throw new AllowlistFormatError(describeSecret(bytes, index))
    } else {
      others.push(hashEntry(entry))
      if (otherIndexes.length < INDEXES_KEPT) otherIndexes.push(index)
    }
  }
  const shown =
    bannedIndexes.size === 0 ? pubkeys : pubkeys.filter((_, at) => !bannedIndexes.has(at))
  return {
    keys,
    otherEntries: tableOf(others),
    otherIndexes,
    otherCount: others.length,
    entryCount: pubkeys.length,
    listBody: shareText(JSON.stringify({ pubkeys: shown })),
  }
}

function tableOf(hexKeys: readonly string[]): KeyTable {
  const table = createKeyTable(hexKeys.length)
  for (const hex of hexKeys) addKey(table, hex)
  return table
}

function expiriesOf({ meta }: AllowlistDocument, keys: KeyTable): Float64Array {
  const expiring = new Map<number, number>()
  for (const [pubkey, { expires_at: expiry }] of meta) {
    const position = expiry === undefined ? -1 : findKey(keys, pubkey)
    if (expiry !== undefined && position !== -1) expiring.set(position, expiry)
  }
  if (expiring.size === 0) return new Float64Array()
  const expiries = new Float64Array(new SharedArrayBuffer(keys.size * 8)).fill(Infinity)
  for (const [position, expiry] of expiring) expiries[position] = expiry
  return expiries
}

/** What is said about the keys of a table; about others nothing needs to be known. */
function columnOf<T>(
  keys: KeyTable,
  values: ReadonlyMap<string, T>,
  textOf: (value: T) => string | undefined,
): TextColumn {
  const texts = new Map<number, string>()
  for (const [pubkey, value] of values) {
    const position = findKey(keys, pubkey)
    const text = textOf(value)
    if (position !== -1 && text !== undefined && text !== '') texts.set(position, text)
  }
  return createTextColumn(keys.size, texts)
}

function describeSecret(bytes: Uint8Array, index: number): string {
  return (
    `entry ${index} (line ${lineOfEntry(bytes, index)}) is a SECRET key: take it out, put its npub1… ` +
    'there instead, and treat the secret as leaked'
  )
}
