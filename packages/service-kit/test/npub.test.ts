import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { decodeNpub, formatNpub } from '../src/npub.js'
import { parsePubkey } from '../src/pubkey.js'

const hexKeys = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const NPUB = nip19.npubEncode('7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e')

describe('formatNpub', () => {
  it('writes the example of NIP-19', () => {
    expect(formatNpub('7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e')).toBe(
      'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg',
    )
  })

  it('writes what nostr-tools writes', () => {
    fc.assert(
      fc.property(hexKeys, (hex) => {
        expect(formatNpub(hex)).toBe(nip19.npubEncode(hex))
      }),
    )
  })
})

describe('formatNpub and parsePubkey', () => {
  it('give each other back', () => {
    fc.assert(
      fc.property(hexKeys, (pubkey) => {
        expect(parsePubkey(formatNpub(pubkey))).toEqual({ ok: true, pubkey })
      }),
    )
  })
})

describe('decodeNpub', () => {
  it('reads what nostr-tools writes', () => {
    fc.assert(
      fc.property(hexKeys, (hex) => {
        expect(decodeNpub(nip19.npubEncode(hex))).toBe(hex)
      }),
    )
  })

  it('reads nothing in which one character was changed', () => {
    fc.assert(
      fc.property(
        fc.nat(NPUB.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, character) => {
          fc.pre(NPUB[at] !== character)
          expect(decodeNpub(NPUB.slice(0, at) + character + NPUB.slice(at + 1))).toBeUndefined()
        },
      ),
    )
  })

  it('never throws and reads no more than nostr-tools does', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ minLength: 58, maxLength: 58 })), (text) => {
        expect(decodeNpub(text)).toBeUndefined()
        expect(decodeNpub(`npub1${text}`)).toBeUndefined()
      }),
    )
  })

  it('refuses padding that is not zero, though the checksum fits', () => {
    // Encoded by hand: 32 zero bytes with a one in the last padding bit.
    expect(() => nip19.decode(withPaddingBit())).toThrow()
    expect(decodeNpub(withPaddingBit())).toBeUndefined()
  })

  it.each([0, 31, 33, 64])('refuses %i bytes, though the checksum fits', (length) => {
    expect(decodeNpub(nip19.npubEncode('ab'.repeat(length)))).toBeUndefined()
  })

  it('leaves upper case to the reader of all forms', () => {
    expect(decodeNpub(NPUB.toUpperCase())).toBeUndefined()
  })
})

/** An npub whose 52 data letters are zero but for the last padding bit, with a right checksum. */
function withPaddingBit(): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  const data = [...Array.from({ length: 51 }, () => 0), 1]
  const prefix = [...Buffer.from('npub')]
  const expanded = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31)]
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let checksum = 1
  for (const value of [...expanded, ...data, 0, 0, 0, 0, 0, 0]) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ value
    for (let bit = 0; bit < 5; bit += 1) if ((top >> bit) & 1) checksum ^= generators[bit] ?? 0
  }
  const tail = Array.from({ length: 6 }, (_, index) => ((checksum ^ 1) >>> (5 * (5 - index))) & 31)
  return `npub1${[...data, ...tail].map((value) => alphabet[value]).join('')}`
}
