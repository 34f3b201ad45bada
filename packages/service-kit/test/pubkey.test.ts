import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { formatNpub } from '../src/npub.js'
import { isSecretKey, MAX_PUBKEY_LENGTH, parsePubkey, type PubkeyErrorCode } from '../src/pubkey.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'

const BECH32_LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const key = makeKey()
const anyPubkey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .tuple(fc.constantFrom('npub1', 'nprofile1', 'nsec1', 'nostr:'), fc.string())
    .map((t) => t.join('')),
)

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function npubOfBytes(length: number): string {
  return nip19.encodeBytes('npub', new Uint8Array(length).fill(7))
}

/** The data of `text`, a bech32 string, under its prefix: the n-th character becomes the next letter. */
function mistype(text: string, position: number, step = 1): string {
  const letter = BECH32_LETTERS.indexOf(text[position] ?? '')
  const other = BECH32_LETTERS[(letter + step) % BECH32_LETTERS.length] ?? ''
  return text.slice(0, position) + other + text.slice(position + 1)
}

function refusal(text: unknown): PubkeyErrorCode | 'accepted' {
  const result = parsePubkey(text)
  return result.ok ? 'accepted' : result.code
}

describe('parsePubkey accepts', () => {
  it.each([
    ['lower-case hex', key.hex],
    ['upper-case hex', key.hex.toUpperCase()],
    ['hex in mixed case', key.hex.replace(/[a-f]/, (digit) => digit.toUpperCase())],
    ['a lower-case npub', key.npub],
    ['an upper-case npub', key.npub.toUpperCase()],
    ['an nprofile', key.nprofile],
    ['an upper-case nprofile', key.nprofile.toUpperCase()],
    ['an nprofile without relays', nip19.nprofileEncode({ pubkey: key.hex })],
    [
      'an nprofile with many relays',
      nip19.nprofileEncode({
        pubkey: key.hex,
        relays: Array.from({ length: 20 }, (_, index) => `wss://relay-${index}.example/path`),
      }),
    ],
    ['hex after nostr:', `nostr:${key.hex}`],
    ['an npub after nostr:', `nostr:${key.npub}`],
    ['an nprofile after nostr:', `nostr:${key.nprofile}`],
    ['an npub after NOSTR:', `NOSTR:${key.npub}`],
    ['an all upper-case URI', `nostr:${key.npub}`.toUpperCase()],
    ['white space around it', ` \t${key.npub}\r\n`],
    ['Unicode white space around it', `\u00a0\u2003${key.npub}\u3000\u2028`],
    ['a byte order mark before it', `\ufeff${key.npub}`],
    ['zero-width characters around it', `\u200b\u200c${key.npub}\u200d\u2060`],
    ['a mixture of both around it', ` \u200b \ufeff${key.npub}\ufeff \u200b\n`],
  ])('%s', (_, text) => {
    expect(parsePubkey(text)).toEqual({ ok: true, pubkey: key.hex })
  })

  it('an nprofile of the longest length there is', () => {
    const relays = Array.from({ length: 12 }, () => `wss://${'r'.repeat(240)}`)
    const nprofile = nip19.nprofileEncode({ pubkey: key.hex, relays })
    expect(nprofile.length).toBeLessThan(MAX_PUBKEY_LENGTH)
    const padded = nprofile.padEnd(MAX_PUBKEY_LENGTH)
    expect(parsePubkey(padded)).toEqual({ ok: true, pubkey: key.hex })
  })
})

describe('parsePubkey refuses', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', { pubkey: key.npub }],
    ['an array of one key', [key.npub]],
    ['the bytes of a key', Buffer.from(key.hex, 'hex')],
  ])('%s as not a string', (_, input) => {
    expect(refusal(input)).toBe('not_a_string')
  })

  it.each([
    ['an empty text', ''],
    ['white space alone', ' \t\r\n\u00a0'],
    ['zero-width characters alone', '\u200b\u2060\ufeff'],
  ])('%s as empty', (_, text) => {
    expect(refusal(text)).toBe('empty')
  })

  it('more than 5,000 characters as too long', () => {
    expect(refusal('a'.repeat(5000))).toBe('bad_length')
    expect(refusal('a'.repeat(5001))).toBe('too_long')
    expect(refusal(key.npub.padEnd(5001))).toBe('too_long')
  })

  it.each([
    // Lower-casing the Kelvin sign gives a `k`, and compatibility forms fold to ASCII.
    ['a Kelvin sign for a k', key.npub.toUpperCase().replace(/$/, '\u212a')],
    ['a key whose only k is a Kelvin sign', kelvinKey()],
    ['full-width letters', key.npub.replaceAll(/[a-z]/g, toFullWidth)],
    ['full-width hex digits', key.hex.replace(/[0-9]/, toFullWidth)],
    ['a Cyrillic letter that looks like one of ours', key.npub.replace('p', '\u0440')],
    ['a zero-width character inside', `${key.npub.slice(0, 20)}\u200b${key.npub.slice(20)}`],
    ['a byte order mark after nostr:', `nostr:\ufeff${key.npub}`],
    ['a space inside', `${key.npub.slice(0, 20)} ${key.npub.slice(20)}`],
    ['a NUL at its end', `${key.npub}\0`],
    ['two keys', `${key.npub} ${key.npub}`],
  ])('%s as not ASCII', (_, text) => {
    expect(refusal(text)).toBe('not_ascii')
  })

  it.each([
    ['an nsec', key.nsec],
    ['an upper-case nsec', key.nsec.toUpperCase()],
    ['an nsec in mixed case', key.nsec.replace('nsec', 'nSeC')],
    ['an nsec after nostr:', `nostr:${key.nsec}`],
    ['an nsec among white space', `  ${key.nsec}\n`],
    ['an nsec with a typo', mistype(key.nsec, 30)],
    ['an nsec that lost its end', key.nsec.slice(0, 20)],
    ['an nsec with a zero-width character in its prefix', key.nsec.replace('ns', 'n\u200bs')],
    ['an nsec with a soft byte order mark inside', key.nsec.replace('1', '\ufeff1\ufeff')],
    ['an nsec with a word before it', `key=${key.nsec}`],
    ['an nsec after an npub', `${key.npub},${key.nsec}`],
    ['an nsec that is far too long', key.nsec.padEnd(10_000)],
    ['an nsec with letters that are not ASCII behind it', `${key.nsec}\u00e9`],
    ['an ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91))],
    ['an upper-case ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91)).toUpperCase()],
    ['an ncryptsec after nostr:', `nostr:${nip19.encodeBytes('ncryptsec', new Uint8Array(91))}`],
    ['an ncryptsec that lost its end', 'ncryptsec1qgg9947'],
  ])('%s as a secret key', (_, text) => {
    expect(refusal(text)).toBe('secret_key')
    expect(isSecretKey(text)).toBe(true)
  })

  it.each([
    ['a note', nip19.noteEncode(key.hex)],
    ['an upper-case note', nip19.noteEncode(key.hex).toUpperCase()],
    ['a note after nostr:', `nostr:${nip19.noteEncode(key.hex)}`],
    ['an nevent', nip19.neventEncode({ id: key.hex })],
    ['an naddr', nip19.naddrEncode({ identifier: 'x', pubkey: key.hex, kind: 30000 })],
    ['an nrelay', nip19.encodeBytes('nrelay', new Uint8Array(10))],
  ])('%s as having the wrong prefix', (_, text) => {
    expect(refusal(text)).toBe('wrong_prefix')
  })

  it.each([
    ['an npub with a typo', mistype(key.npub, 40)],
    ['an npub without its last character', key.npub.slice(0, -1)],
    ['an npub with a character more', `${key.npub}q`],
    ['an npub in mixed case', `NPUB${key.npub.slice(4)}`],
    ['an nprofile with a typo', mistype(key.nprofile, 40)],
    ['an npub that calls itself nprofile', key.npub.replace('npub', 'nprofile')],
  ])('%s as having a bad checksum', (_, text) => {
    expect(refusal(text)).toBe('bad_checksum')
  })

  it.each([
    ['an npub of no bytes', npubOfBytes(0)],
    ['an npub of 31 bytes', npubOfBytes(31)],
    ['an npub of 33 bytes', npubOfBytes(33)],
    ['an npub of 64 bytes', npubOfBytes(64)],
    ['63 hex digits', key.hex.slice(1)],
    ['65 hex digits', `0${key.hex}`],
    ['128 hex digits', key.hex + key.hex],
    ['one hex digit', 'a'],
  ])('%s as having a bad length', (_, text) => {
    expect(refusal(text)).toBe('bad_length')
  })

  it.each([
    ['a word', 'hello'],
    ['hex after 0x', `0x${key.hex}`],
    ['64 letters that are no hex digits', 'g'.repeat(64)],
    ['a second nostr:', `nostr:nostr:${key.npub}`],
    ['nostr: alone', 'nostr:'],
    ['a web+nostr: link', `web+nostr:${key.npub}`],
    ['npub1 alone', 'npub1'],
    ['a key in quotes', `"${key.npub}"`],
    ['a URL', `https://njump.me/${key.npub}`],
    ['another bech32 string', 'lnurl1qqqsyqcyq5rqwzqfqypqhg5pk'],
    ['__proto__', '__proto__'],
  ])('%s as of an unknown form', (_, text) => {
    expect(refusal(text)).toBe('unknown_form')
  })
})

describe('parsePubkey', () => {
  it('tells whoever pasted a secret key to treat it as leaked', () => {
    expect(parsePubkey(key.nsec)).toMatchObject({
      message: expect.stringMatching(/SECRET.*leaked/) as string,
    })
  })

  it('answers any text, never repeating a piece of it, and never throws', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const result = parsePubkey(text)
        if (result.ok) expect(result.pubkey).toMatch(/^[0-9a-f]{64}$/)
        else if (text.length > 60) expect(result.message).not.toContain(text.slice(10, 50))
      }),
    )
  })

  it('has one message per reason, whatever the text is', () => {
    const messages = new Map<string, Set<string>>()
    fc.assert(
      fc.property(anyText, (text) => {
        const result = parsePubkey(text)
        if (result.ok) return
        const seen = messages.get(result.code) ?? new Set()
        messages.set(result.code, seen.add(result.message))
      }),
    )
    expect([...messages.values()].map((seen) => seen.size)).toEqual([...messages].map(() => 1))
  })

  it('is done at once with blanks inside a text', () => {
    // Work that grows with the square of the length would outlast the test.
    const text = `a${' '.repeat(4998)}a`
    for (let count = 0; count < 5000; count += 1) expect(refusal(text)).toBe('not_ascii')
  })

  it('reads every spelling of a key as the same key', () => {
    const wrap = fc.constantFrom('', ' ', '\n', '\ufeff', '\u200b', ' \u2060\t')
    const prefix = fc.constantFrom('', 'nostr:', 'NOSTR:', 'Nostr:')
    const relays = fc.array(fc.webUrl(), { maxLength: 3 })
    fc.assert(
      fc.property(anyPubkey, relays, prefix, wrap, wrap, (pubkey, urls, uri, before, after) => {
        const forms = [pubkey, formatNpub(pubkey), nip19.nprofileEncode({ pubkey, relays: urls })]
        for (const form of forms.flatMap((text) => [text, text.toUpperCase()])) {
          expect(parsePubkey(before + uri + form + after)).toEqual({ ok: true, pubkey })
        }
      }),
    )
  })

  it('accepts no text by accident: what it accepts spells the key it gives', () => {
    const alphabet = fc.constantFrom(...Array.from(`${BECH32_LETTERS}0123456789abcdefABCDEF`))
    const nearKeys = fc.oneof(
      fc.string({ unit: alphabet, minLength: 60, maxLength: 68 }),
      fc.string({ unit: alphabet, minLength: 58, maxLength: 58 }).map((data) => `npub1${data}`),
      anyText,
    )
    fc.assert(
      fc.property(nearKeys, (text) => {
        const result = parsePubkey(text)
        if (!result.ok) return
        expect([result.pubkey, formatNpub(result.pubkey)]).toContain(text.toLowerCase())
      }),
    )
  })

  it('takes an npub with one character changed for no key at all', () => {
    const position = fc.integer({ min: 'npub1'.length, max: key.npub.length - 1 })
    const step = fc.integer({ min: 1, max: BECH32_LETTERS.length - 1 })
    fc.assert(
      fc.property(anyPubkey, position, step, (pubkey, at, by) => {
        expect(refusal(mistype(formatNpub(pubkey), at, by))).toBe('bad_checksum')
      }),
    )
  })

  it('takes an npub with one character left out for no key at all', () => {
    const position = fc.integer({ min: 'npub1'.length, max: key.npub.length - 1 })
    fc.assert(
      fc.property(anyPubkey, position, (pubkey, at) => {
        const npub = formatNpub(pubkey)
        expect(refusal(npub.slice(0, at) + npub.slice(at + 1))).toBe('bad_checksum')
      }),
    )
  })

  it('never takes a secret key for a public one, however it is cut or wrapped', () => {
    const prefixLength = 'nsec1'.length
    const length = fc.integer({ min: prefixLength, max: key.nsec.length })
    fc.assert(
      fc.property(length, fc.string(), fc.string(), (cut, before, after) => {
        expect(refusal(`${before} ${key.nsec.slice(0, cut)}${after}`)).toBe('secret_key')
      }),
    )
  })
})

describe('isSecretKey', () => {
  it('takes no public key for a secret one', () => {
    fc.assert(
      fc.property(anyPubkey, (pubkey) => {
        const nprofile = nip19.nprofileEncode({ pubkey, relays: ['wss://nsec.example'] })
        expect([pubkey, formatNpub(pubkey), nprofile].map(isSecretKey)).toEqual([
          false,
          false,
          false,
        ])
      }),
    )
  })

  it.each(['', 'nsec', 'ncryptsec', 'nsec2abc', 'unsecured'])('takes %j for none', (text) => {
    expect(isSecretKey(text)).toBe(false)
  })
})

/** A valid upper-case npub, its first K written as the Kelvin sign. */
function kelvinKey(): string {
  const withK = Array.from({ length: 50 }, () => makeKey().npub).find((npub) => npub.includes('k'))
  return (withK ?? '').toUpperCase().replace('K', '\u212a')
}

function toFullWidth(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + 0xfee0)
}
