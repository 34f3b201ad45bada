import { formatHexKey, readHexKey, WORDS_PER_KEY } from '@dstack-node/service-kit/key-words'

const BYTES_PER_WORD = 4

/**
 * A set of 32-byte keys in two typed arrays over shared memory: threads use the same table without a copy,
 * and a million keys are no million objects.
 */
export interface KeyTable {
  /** How many keys there are. */
  size: number
  /** The keys one after the other, eight 32-bit words each, in the order of their arrival. */
  words: Uint32Array
  /** An open hash table: a slot holds a key's position plus one, or 0; its length is a power of two. */
  slots: Uint32Array
}

const wanted = new Uint32Array(WORDS_PER_KEY)

/** A table with room for that many keys. */
export function createKeyTable(capacity: number): KeyTable {
  const slotCount = 2 ** Math.ceil(Math.log2(Math.max(2 * capacity, 2)))
  return { size: 0, words: sharedWords(capacity * WORDS_PER_KEY), slots: sharedWords(slotCount) }
}

/**
 * Adds a key of 64 lower-case hex digits unless it is there, and tells its position, counted from 0 in the
 * order of arrival. The table must have room for it.
 */
export function addKey(table: KeyTable, hex: string): number {
  readHexKey(hex, wanted)
  return addWords(table, wanted)
}

/** The same for a key of eight words. */
export function addWords(table: KeyTable, key: Uint32Array): number {
  const slot = findSlot(table, key)
  const taken = table.slots[slot] ?? 0
  if (taken !== 0) return taken - 1
  copyKey(key, 0, table.words, table.size)
  table.size += 1
  table.slots[slot] = table.size
  return table.size - 1
}

/** The position of the key, 64 lower-case hex digits, or -1 where it is not in the table. */
export function findKey(table: KeyTable, hex: string): number {
  if (table.size === 0) return -1
  readHexKey(hex, wanted)
  return findWords(table, wanted)
}

/** The position of the key, eight words, or -1 where it is not in the table. */
export function findWords(table: KeyTable, key: Uint32Array): number {
  if (table.size === 0) return -1
  return (table.slots[findSlot(table, key)] ?? 0) - 1
}

/** The key at a position, as 64 lower-case hex digits. */
export function keyAt({ words }: KeyTable, position: number): string {
  return formatHexKey(words, position * WORDS_PER_KEY)
}

/** The keys in their own order: the position of each in the table, and their words one after the other. */
export function sortTable(table: KeyTable): { positions: Uint32Array; words: Uint32Array } {
  const positions = sortedPositions(table)
  const words = new Uint32Array(table.size * WORDS_PER_KEY)
  for (let index = 0; index < positions.length; index += 1) {
    copyKey(table.words, positions[index] ?? 0, words, index)
  }
  return { positions, words }
}

function sortedPositions(table: KeyTable): Uint32Array {
  // Sorting plain numbers is what engines are fastest at: so the key's first bits and its position in one.
  const ranks = new Float64Array(table.size)
  for (let position = 0; position < table.size; position += 1) {
    ranks[position] = firstBits(table, position) * MAX_KEYS + position
  }
  ranks.sort()
  const positions = new Uint32Array(table.size)
  for (let index = 0; index < table.size; index += 1) {
    positions[index] = (ranks[index] ?? 0) % MAX_KEYS
  }
  sortRuns(table, positions)
  return positions
}

/** The most keys that a table is sorted with: 31 bits of a key and a position make 53. */
export const MAX_KEYS = 2 ** 22

function firstBits(table: KeyTable, position: number): number {
  return (table.words[position * WORDS_PER_KEY] ?? 0) >>> 1
}

/** Puts keys that begin with the same bits into order. */
function sortRuns(table: KeyTable, positions: Uint32Array): void {
  let start = 0
  for (let end = 1; end <= positions.length; end += 1) {
    const bits = firstBits(table, positions[start] ?? 0)
    if (end < positions.length && firstBits(table, positions[end] ?? 0) === bits) continue
    if (end - start > 1) positions.subarray(start, end).sort((a, b) => compareKeys(table, a, b))
    start = end
  }
}

function compareKeys({ words }: KeyTable, a: number, b: number): number {
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    const difference =
      (words[a * WORDS_PER_KEY + index] ?? 0) - (words[b * WORDS_PER_KEY + index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The slot that holds the key, or the free one where it would go. */
function findSlot(table: KeyTable, key: Uint32Array): number {
  const mask = table.slots.length - 1
  let slot = hash(key) & mask
  for (;;) {
    const position = table.slots[slot] ?? 0
    if (position === 0 || equalsAt(table.words, (position - 1) * WORDS_PER_KEY, key)) return slot
    slot = (slot + 1) & mask
  }
}

/** Copies the key at one position to another one. A call of `set` for each would take three times as long. */
function copyKey(from: Uint32Array, source: number, to: Uint32Array, target: number): void {
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    to[target * WORDS_PER_KEY + index] = from[source * WORDS_PER_KEY + index] ?? 0
  }
}

function equalsAt(words: Uint32Array, offset: number, key: Uint32Array): boolean {
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    if (words[offset + index] !== key[index]) return false
  }
  return true
}

/** Every word counts (FNV-1a): keys mined for a prefix start with the same digits. */
function hash(key: Uint32Array): number {
  let result = 0x811c9dc5
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    result = Math.imul(result ^ (key[index] ?? 0), 0x01000193)
  }
  return (result ^ (result >>> 15)) >>> 0
}

function sharedWords(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * BYTES_PER_WORD))
}
