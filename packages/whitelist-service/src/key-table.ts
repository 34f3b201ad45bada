const WORDS_PER_KEY = 8
const DIGITS_PER_WORD = 8

/**
 * A set of 32-byte keys in two typed arrays, so that a thread can hand it to another one without a copy
 * and a million keys are no million objects.
 */
export interface KeyTable {
  /** How many keys there are. */
  size: number
  /** The keys one after the other, eight 32-bit words each, in the order of their arrival. */
  words: Uint32Array<ArrayBuffer>
  /** An open hash table: a slot holds a key's position plus one, or 0; its length is a power of two. */
  slots: Uint32Array<ArrayBuffer>
}

/** A table with room for that many keys. */
export function createKeyTable(capacity: number): KeyTable {
  const slotCount = 2 ** Math.ceil(Math.log2(Math.max(2 * capacity, 2)))
  return {
    size: 0,
    words: new Uint32Array(capacity * WORDS_PER_KEY),
    slots: new Uint32Array(slotCount),
  }
}

/** Adds a key of 64 lower-case hex digits unless it is there; the table must have room for it. */
export function addKey(table: KeyTable, hex: string): void {
  const key = parseWords(hex)
  const slot = findSlot(table, key)
  if (table.slots[slot] !== 0) return
  table.words.set(key, table.size * WORDS_PER_KEY)
  table.size += 1
  table.slots[slot] = table.size
}

/** Whether the key, 64 lower-case hex digits, is in the table. */
export function hasKey(table: KeyTable, hex: string): boolean {
  return table.slots[findSlot(table, parseWords(hex))] !== 0
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

function equalsAt(words: Uint32Array, offset: number, key: Uint32Array): boolean {
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    if (words[offset + index] !== key[index]) return false
  }
  return true
}

/** Every word counts (FNV-1a): keys mined for a prefix start with the same digits. */
function hash(key: Uint32Array): number {
  let result = 0x811c9dc5
  for (const word of key) result = Math.imul(result ^ word, 0x01000193)
  return (result ^ (result >>> 15)) >>> 0
}

function parseWords(hex: string): Uint32Array {
  const words = new Uint32Array(WORDS_PER_KEY)
  for (let index = 0; index < WORDS_PER_KEY; index += 1) {
    words[index] = Number.parseInt(
      hex.slice(index * DIGITS_PER_WORD, (index + 1) * DIGITS_PER_WORD),
      16,
    )
  }
  return words
}
