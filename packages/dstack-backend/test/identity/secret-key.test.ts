import { generateSecretKey as generate, getPublicKey } from 'nostr-tools/pure'
import { nsecEncode } from 'nostr-tools/nip19'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { derivePubkey, generateSecretKey } from '../../src/identity/secret-key.js'

const N = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

describe('derivePubkey', () => {
  it('agrees with nostr-tools on every key, as hex in any case and as nsec', () => {
    for (let count = 0; count < 50; count += 1) {
      const secret = generate()
      const hex = Buffer.from(secret).toString('hex')
      const expected = getPublicKey(secret)
      for (const text of [hex, hex.toUpperCase(), nsecEncode(secret)]) {
        expect(derivePubkey(text)).toBe(expected)
      }
    }
  })

  it('takes the first and the last key of the curve', () => {
    expect(derivePubkey(`${'0'.repeat(63)}1`)).toMatch(/^79be667e/)
    expect(derivePubkey(N.replace(/1$/, '0'))).toMatch(/^79be667e/)
  })

  it.each([
    ['nothing', ''],
    ['zero', '0'.repeat(64)],
    ['the order of the curve', N],
    ['more than the order', 'f'.repeat(64)],
    ['63 digits', '1'.repeat(63)],
    ['65 digits', '1'.repeat(65)],
    ['a digit that is none', `${'1'.repeat(63)}g`],
    ['an npub', 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg'],
    ['an nsec with a typo', 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe6'],
  ])('refuses %s', (_reason, text) => {
    expect(derivePubkey(text)).toBeUndefined()
  })

  it.each([0, 31, 33, 64])('refuses an nsec of %i bytes, which nostr-tools decodes', (length) => {
    expect(derivePubkey(nsecEncode(new Uint8Array(length).fill(1)))).toBeUndefined()
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(derivePubkey(text)).toBeUndefined()
      }),
    )
  })
})

describe('generateSecretKey', () => {
  it('makes a different valid key of 64 lower-case hex digits each time', () => {
    const keys = new Set(Array.from({ length: 100 }, generateSecretKey))
    expect(keys.size).toBe(100)
    for (const key of keys) {
      expect(key).toMatch(/^[0-9a-f]{64}$/)
      expect(derivePubkey(key)).toMatch(/^[0-9a-f]{64}$/)
    }
  })
})
