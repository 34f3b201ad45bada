import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainText } from '../../../src/admin/editing/plain-text.js'

describe('plainText', () => {
  it.each([
    ['plain text', 'machine 1 – café 👩‍🚀', 'machine 1 – café 👩‍🚀'],
    ['white space around it', ' \n x \t', 'x'],
    ['line ends', 'a\r\nb\u2028c\u0085d', 'a b c d'],
    ['control characters', 'a\u0000\u001b[31mb\u007f', 'a [31mb'],
    ['signs that turn the direction', 'a\u202eb\u2066c', 'a b c'],
    ['half a character', 'a\ud83db', 'a b'],
  ])('keeps what is good of %s', (_, text, expected) => {
    expect(plainText(text, 100)).toBe(expected)
  })

  it.each([undefined, '', ' ', '\n\u0000\u200e'])(
    'is undefined where nothing is left: %j',
    (text) => {
      expect(plainText(text, 100)).toBeUndefined()
    },
  )

  it('keeps no secret key', () => {
    const { nsec } = makeKey()
    for (const text of [
      nsec,
      `my ${nsec.toUpperCase()}!`,
      `${nsec.slice(0, 3)}\u200b${nsec.slice(3)}`,
    ]) {
      expect(plainText(text, 500)).toBe('[secret key]')
    }
  })

  it('is on one line, bounded, whole, and stays the same the next time', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(texts, fc.integer({ min: 12, max: 40 }), (text, length) => {
        const plain = plainText(text, length) ?? ''
        expect(plain.length).toBeLessThanOrEqual(length)
        expect(plain).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029]/u)
        expect(plainText(plain, length) ?? '').toBe(plain)
      }),
    )
  })
})
