import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatHexKey, readHexKey, WORDS_PER_KEY } from '../src/key-words.js'

const KEY = '7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e'
const words = new Uint32Array(WORDS_PER_KEY)

const hexKeys = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))

describe('readHexKey', () => {
  it('puts the first digits first', () => {
    expect(readHexKey(KEY, words)).toBe(true)
    expect(words[0]).toBe(0x7e7e9c42)
    expect(words[7]).toBe(0x86addf4e)
  })

  it('reads what formatHexKey writes, and the other way round', () => {
    fc.assert(
      fc.property(hexKeys, (hex) => {
        expect(readHexKey(hex, words)).toBe(true)
        expect(formatHexKey(words)).toBe(hex)
      }),
    )
  })

  it('refuses any other character at any place', () => {
    const characters = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
    const strange = characters.filter((text) => text.length === 1 && !/[0-9a-f]/.test(text))
    fc.assert(
      fc.property(hexKeys, fc.nat(63), strange, (hex, at, character) => {
        expect(readHexKey(hex.slice(0, at) + character + hex.slice(at + 1), words)).toBe(false)
      }),
    )
  })

  it('refuses upper case, a digit less and a digit more', () => {
    for (const text of [KEY.toUpperCase(), KEY.slice(1), `${KEY}0`, '']) {
      expect(readHexKey(text, words)).toBe(false)
    }
  })
})

describe('formatHexKey', () => {
  it('writes the key at a place among others', () => {
    const two = new Uint32Array(2 * WORDS_PER_KEY)
    readHexKey(KEY, two.subarray(WORDS_PER_KEY))
    expect(formatHexKey(two, WORDS_PER_KEY)).toBe(KEY)
  })
})
