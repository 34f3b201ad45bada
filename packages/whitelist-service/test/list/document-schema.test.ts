import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AllowlistFormatError,
  parseAllowlistDocument,
  type AllowlistDocument,
} from '../../src/list/allowlist-document.js'
import { bytesOf } from '../_bytes.js'

const key = makeKey()
const other = makeKey()
const SPELLINGS = [
  key.hex,
  key.hex.toUpperCase(),
  key.npub,
  key.npub.toUpperCase(),
  key.nprofile,
  `nostr:${key.npub}`,
  ` ${key.npub} `,
]

/** A document with these fields beside its entries, one line for each level. */
function parse(fields: object): AllowlistDocument {
  return parseAllowlistDocument(bytesOf(JSON.stringify({ pubkeys: [], ...fields }, null, 1)))
}

function refusal(parseIt: () => unknown): string {
  try {
    parseIt()
  } catch (error) {
    expect(error).toBeInstanceOf(AllowlistFormatError)
    return (error as AllowlistFormatError).message
  }
  return 'accepted'
}

function expiryOf(value: unknown): number | undefined {
  return parse({ meta: { [key.hex]: { expires_at: value } } }).meta.get(key.hex)?.expires_at
}

describe.each(['meta', 'banned'] as const)('"%s" of the file', (field) => {
  it.each(SPELLINGS)('knows its key in every spelling: %s', (name) => {
    const document = parse({ [field]: { [name]: { reason: 'r' } } })
    expect(document[field]).toEqual(new Map([[key.hex, { reason: 'r' }]]))
  })

  it('may be missing or empty', () => {
    expect(parse({})[field].size).toBe(0)
    expect(parse({ [field]: {} })[field].size).toBe(0)
  })

  it.each([
    ['null', null],
    ['true', true],
    ['a number', 7],
    ['a text', 'hunter2'],
    ['an array', []],
    ['an array of keys', [key.hex]],
  ])('is refused where it is %s', (_, value) => {
    const message = `"${field}" (line 3) must be an object, like {"<hex>": {…}}`
    expect(refusal(() => parse({ [field]: value }))).toBe(message)
  })

  it.each([
    ['null', null],
    ['true', true],
    ['a number', 7],
    ['a text', 'hunter2'],
    ['an array', ['hunter2']],
  ])('is refused where a value in it is %s', (_, value) => {
    const fields = { [field]: { [other.hex]: {}, [key.hex]: value } }
    const message = `a value in "${field}" (line 5) must be an object`
    expect(refusal(() => parse(fields))).toBe(message)
  })

  it.each([
    ['empty', '', 'the public key is empty'],
    ['no key', 'hunter2', 'not a Nostr public key: use npub1…, nprofile1… or 64 hex digits'],
    ['cut', key.hex.slice(1), 'a public key has 32 bytes, which are 64 hex digits'],
    ['an npub with a typo', `${key.npub.slice(0, -1)}b`, 'the checksum is wrong'],
    ['__proto__', '__proto__', 'not a Nostr public key'],
    ['constructor', 'constructor', 'not a Nostr public key'],
    ['a secret key', key.nsec, 'this is a SECRET key, not a public key'],
    ['a secret key with a typo', `${key.nsec.slice(0, -1)}b`, 'this is a SECRET key'],
  ])('is refused where a name in it is %s, which is not repeated', (_, name, reason) => {
    // Text, since `__proto__` in an object literal would be no field.
    const text = `{"pubkeys": [],\n"${field}": {"${other.hex}": {},\n"${name}": {}}}`
    const message = refusal(() => parseAllowlistDocument(bytesOf(text)))
    expect(message).toContain(`a name in "${field}" (line 3): ${reason}`)
    expect(message).not.toMatch(/hunter2|nsec1|__proto__|constructor/)
  })

  it('says where a name stands, also where its value is on another line', () => {
    const text = `{"pubkeys": [],\n"${field}": {"x":\n\n{}}}`
    expect(refusal(() => parseAllowlistDocument(bytesOf(text)))).toContain('(line 2)')
  })

  it('is refused where the same key stands in it in two spellings', () => {
    for (const name of SPELLINGS.slice(1)) {
      const message = refusal(() => parse({ [field]: { [key.hex]: {}, [name]: {} } }))
      expect(message).toBe(
        `a name in "${field}" (line 5): the same key stands there twice: keep one of them`,
      )
    }
  })

  it('may have fields that are not ours', () => {
    const value = { invoice: 7, reason: 'r', tags: [['a']], note: null }
    const document = parse({ [field]: { [key.hex]: value } })
    expect(document[field].get(key.hex)).toEqual({ reason: 'r' })
  })
})

describe('a text about a key', () => {
  const cases = [
    ['meta', 'label', 200],
    ['meta', 'reason', 500],
    ['meta', 'added_at', 500],
    ['meta', 'added_by', 500],
    ['banned', 'reason', 500],
    ['banned', 'banned_at', 500],
    ['banned', 'banned_by', 500],
  ] as const
  const withText = (field: string, property: string, value: unknown) => () =>
    parse({ [field]: { [key.hex]: { [property]: value } } })

  it.each(cases)('in "%s", %s, has at most %i characters', (field, property, limit) => {
    expect(refusal(withText(field, property, 'x'.repeat(limit)))).toBe('accepted')
    const message = `${property} in "${field}" (line 5) must be a text of at most ${limit} characters`
    expect(refusal(withText(field, property, 'x'.repeat(limit + 1)))).toBe(message)
  })

  it.each(cases)('in "%s", %s, is nothing but a text', (field, property, limit) => {
    const message = `${property} in "${field}" (line 5) must be a text of at most ${limit} characters`
    for (const value of [null, 7, false, {}, ['hunter2']]) {
      expect(refusal(withText(field, property, value))).toBe(message)
    }
  })

  it.each(cases)('in "%s", %s, is refused with a secret key in it', (field, property) => {
    const message = refusal(withText(field, property, `keep ${key.nsec} safe`))
    expect(message).toBe(
      `${property} in "${field}" (line 5) holds a SECRET key: take it out, and treat the secret as leaked`,
    )
  })

  it('may have any other characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (label) => {
        const document = parse({ meta: { [key.hex]: { label } } })
        expect(document.meta.get(key.hex)).toEqual({ label })
      }),
    )
  })
})

describe('expires_at', () => {
  it.each([
    ['2026-12-01T00:00:00Z', 1_796_083_200],
    ['2026-12-01T01:00:00+01:00', 1_796_083_200],
    ['2026-11-30T18:30:00-05:30', 1_796_083_200],
    ['2026-12-01T00:00:00.999Z', 1_796_083_200],
    ['2028-02-29T00:00:00Z', 1_835_395_200],
    ['1970-01-01T00:00:00Z', 0],
    ['9999-12-31T23:59:59Z', 253_402_300_799],
    [1_796_083_200, 1_796_083_200],
    [0, 0],
    [253_402_300_799, 253_402_300_799],
  ])('is read from %j', (value, seconds) => {
    expect(expiryOf(value)).toBe(seconds)
  })

  it.each([
    ['milliseconds', 1_796_083_200_000],
    ['half a second', 1_796_083_200.5],
    ['a negative number', -1],
    ['a number in quotes', '1796083200'],
    ['a date alone', '2026-12-01'],
    ['a time without an offset', '2026-12-01T00:00:00'],
    ['a time without seconds', '2026-12-01T00:00Z'],
    ['30 February', '2026-02-30T00:00:00Z'],
    ['29 February of a year without it', '2026-02-29T00:00:00Z'],
    ['the 13th month', '2026-13-01T00:00:00Z'],
    ['24 o\u2019clock', '2026-12-01T24:00:00Z'],
    ['an offset of a day', '2026-12-01T00:00:00+24:00'],
    ['a space for the T', '2026-12-01 00:00:00Z'],
    ['a time before 1970, as a zero value of other programs', '0001-01-01T00:00:00Z'],
    ['a time after the year 9999', '9999-12-31T23:59:59-01:00'],
    ['words', 'never'],
    ['an empty text', ''],
    ['null', null],
    ['false', false],
    ['an object', {}],
  ])('is refused where it is %s', (_, value) => {
    expect(refusal(() => expiryOf(value))).toBe(
      'expires_at in "meta" (line 5) must be like "2026-12-31T00:00:00Z", or whole seconds since 1970',
    )
  })

  it('is the same moment as a text and as a number', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), fc.integer({ min: -839, max: 839 }), (seconds, offset) => {
        const minutes = Math.abs(offset)
        const local = new Date((seconds + offset * 60) * 1000).toISOString().slice(0, 19)
        const hours = String(Math.floor(minutes / 60)).padStart(2, '0')
        const rest = String(minutes % 60).padStart(2, '0')
        fc.pre(seconds + offset * 60 >= 0)
        expect(expiryOf(`${local}${offset < 0 ? '-' : '+'}${hours}:${rest}`)).toBe(seconds)
        expect(expiryOf(seconds)).toBe(seconds)
      }),
    )
  })
})

describe('any value of "meta" and "banned"', () => {
  it('is read or refused', () => {
    const name = fc.constantFrom(key.hex, other.npub, 'x', '__proto__', '')
    const fields = fc.constantFrom('label', 'reason', 'expires_at', 'banned_at', 'x')
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(name, fc.oneof(fc.jsonValue(), fc.dictionary(fields, fc.jsonValue()))),
    )
    fc.assert(
      fc.property(value, value, (meta, banned) => {
        const message = refusal(() => parse({ meta, banned }))
        expect(message).toMatch(/^accepted$|"(meta|banned)" \(line \d+\)/)
      }),
    )
  })
})
