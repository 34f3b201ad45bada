import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addKey,
  createKeyTable,
  findKey,
  keyAt,
  sortTable,
  type KeyTable,
} from '../../src/list/key-table.js'

const digits = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))
/** Keys that differ late, or early, as mined keys do; and some that differ anywhere. */
const anyKey = fc.oneof(
  digits(64),
  digits(2).map((end) => '00000000'.repeat(7) + '000000' + end),
  digits(2).map((start) => start + 'ffffff' + 'ffffffff'.repeat(7)),
  digits(4).map((middle) => 'ab'.repeat(15) + middle + 'cd'.repeat(15)),
)

function tableOf(keys: readonly string[]): KeyTable {
  const table = createKeyTable(keys.length)
  for (const key of keys) addKey(table, key)
  return table
}

function hasKey(table: KeyTable, key: string): boolean {
  return findKey(table, key) !== -1
}

describe('KeyTable', () => {
  it('holds what a Set would hold', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 300 }), fc.array(anyKey), (keys, others) => {
        const table = tableOf(keys)
        const set = new Set(keys)
        expect(table.size).toBe(set.size)
        for (const key of [...keys, ...others]) expect(hasKey(table, key)).toBe(set.has(key))
      }),
    )
  })

  it('holds nothing when it is new', () => {
    for (const capacity of [0, 1, 1000]) {
      const table = createKeyTable(capacity)
      expect(table.size).toBe(0)
      expect(hasKey(table, '0'.repeat(64))).toBe(false)
    }
  })

  it('holds the keys of all zeros and all ones', () => {
    const table = tableOf(['0'.repeat(64), 'f'.repeat(64)])
    expect(hasKey(table, '0'.repeat(64))).toBe(true)
    expect(hasKey(table, 'f'.repeat(64))).toBe(true)
    expect(hasKey(table, '0'.repeat(63) + '1')).toBe(false)
  })

  it('counts a key once, however often it is added', () => {
    expect(tableOf(Array.from({ length: 100 }, () => 'a'.repeat(64))).size).toBe(1)
  })

  it('has room for as many keys as it was made for', () => {
    const keys = Array.from({ length: 4096 }, (_, index) => index.toString(16).padStart(64, '0'))
    const table = tableOf(keys)
    expect(table.size).toBe(4096)
    expect(keys.every((key) => hasKey(table, key))).toBe(true)
    expect(hasKey(table, (4096).toString(16).padStart(64, '0'))).toBe(false)
  })

  it('works after it was cloned for another thread', () => {
    const key = 'ab'.repeat(32)
    const table = structuredClone(tableOf([key]))
    expect(hasKey(table, key)).toBe(true)
    expect(hasKey(table, 'cd'.repeat(32))).toBe(false)
  })

  it('tells the position of a key, in the order of arrival, and the key at a position', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyKey), (keys) => {
        const table = createKeyTable(keys.length)
        expect(keys.map((key) => addKey(table, key))).toEqual(keys.map((_, index) => index))
        expect(keys.map((key) => addKey(table, key))).toEqual(keys.map((_, index) => index))
        expect(keys.map((key) => findKey(table, key))).toEqual(keys.map((_, index) => index))
        expect(keys.map((_, index) => keyAt(table, index))).toEqual(keys)
      }),
    )
  })

  it('is shared with another thread, not copied', () => {
    const table = tableOf(['ab'.repeat(32)])
    const { port1, port2 } = new MessageChannel()
    port1.postMessage(table)
    const received = receiveMessageOnPort(port2) as { message: KeyTable }
    port1.close()
    table.words[0] = 7
    expect(received.message.words[0]).toBe(7)
  })
})

describe('sortTable', () => {
  it('puts the keys into their own order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyKey, { maxLength: 300 }), (keys) => {
        const table = tableOf(keys)
        const { positions } = sortTable(table)
        const sorted = Array.from(positions, (position) => keyAt(table, position))
        expect(sorted).toEqual(keys.toSorted())
      }),
    )
  })

  it('gives the words in that order', () => {
    const keys = ['ff'.repeat(32), '00'.repeat(32), '0a'.repeat(32)]
    const { words } = sortTable(tableOf(keys))
    const copy = { size: 3, words, slots: new Uint32Array() }
    expect([0, 1, 2].map((position) => keyAt(copy, position))).toEqual(keys.toSorted())
  })
})
