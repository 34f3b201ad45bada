import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_HEADER_LENGTH, readToken } from '../src/nip98-token.js'
import { headerOf, headerOfText, sign } from './_nip98.js'

const event = sign()
const json = JSON.stringify(event)
const read = JSON.parse(json) as Record<string, unknown>

/** The event as JSON of a length that leaves that many characters of base64 over. */
function jsonWithRemainder(remainder: number): string {
  const padding = [0, 1, 2].find((spaces) => (json.length + spaces) % 3 === remainder)
  return json + ' '.repeat(padding ?? 0)
}

describe('readToken accepts', () => {
  it('padded base64', () => {
    for (const remainder of [0, 1, 2]) {
      expect(readToken(headerOfText(jsonWithRemainder(remainder)))).toEqual(read)
    }
  })

  it('base64 without padding', () => {
    for (const remainder of [0, 1, 2]) {
      const header = headerOfText(jsonWithRemainder(remainder)).replaceAll('=', '')
      expect(readToken(header)).toEqual(read)
    }
  })

  it('base64url, with and without padding', () => {
    const special = sign({ content: '???>>>~~~\u00ff\u00fe' })
    const bare = headerOfText(JSON.stringify(special), 'base64url')
    expect(bare).toMatch(/[-_]/)
    const expected = JSON.parse(JSON.stringify(special)) as unknown
    expect(readToken(bare)).toEqual(expected)
    const padding = '='.repeat((4 - ((bare.length - 'Nostr '.length) % 4)) % 4)
    expect(readToken(bare + padding)).toEqual(expected)
  })

  it.each(['Nostr', 'nostr', 'NOSTR', 'nOsTr'])('the scheme spelled %s', (scheme) => {
    expect(readToken(headerOfText(json).replace('Nostr', scheme))).toEqual(read)
  })

  it.each([
    ['two blanks', '  '],
    ['a tab', '\t'],
  ])('%s after the scheme', (_, blank) => {
    expect(readToken(headerOfText(json).replace(' ', blank))).toEqual(read)
  })

  it('an event with content and other tags', () => {
    const other = sign({ content: 'hi', tags: [['u'], ['x', 'y', 'z']] })
    expect(readToken(headerOf(other))).toEqual(JSON.parse(JSON.stringify(other)))
  })

  it('the longest header, and the most tags', () => {
    const empty = headerOfText(JSON.stringify({ ...read, content: '' })).length
    const bytes = Math.floor(((MAX_HEADER_LENGTH - empty) * 3) / 4)
    const longest = headerOf({ ...read, content: 'a'.repeat(bytes) }).replaceAll('=', '')
    expect(longest.length).toBeGreaterThan(MAX_HEADER_LENGTH - 4)
    expect(longest.length).toBeLessThanOrEqual(MAX_HEADER_LENGTH)
    expect(readToken(longest)).toMatchObject({ id: read['id'] })
    const tags = Array.from({ length: 32 }, () => Array.from({ length: 16 }, () => ''))
    expect(readToken(headerOf({ ...read, tags }))).toMatchObject({ tags })
  })
})

describe('readToken refuses', () => {
  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['the scheme alone', 'Nostr'],
    ['the scheme and blanks', 'nostr \t '],
  ])('%s as token_missing', (_, header) => {
    expect(readToken(header)).toBe('token_missing')
  })

  it('a header over 4 KiB as token_too_long, before anything else', () => {
    expect(readToken('Nostr '.padEnd(MAX_HEADER_LENGTH + 1, 'A'))).toBe('token_too_long')
    expect(readToken('\u00ff'.repeat(MAX_HEADER_LENGTH + 1))).toBe('token_too_long')
    expect(readToken('Nostr '.padEnd(MAX_HEADER_LENGTH, 'A'))).not.toBe('token_too_long')
  })

  it.each([
    ['Basic', headerOfText(json).replace('Nostr', 'Basic')],
    ['Bearer', headerOfText(json).replace('Nostr', 'Bearer')],
    ['no scheme', headerOfText(json).slice('Nostr '.length)],
    ['no blank after it', headerOfText(json).replace(' ', '')],
    ['a line break after it', headerOfText(json).replace(' ', '\n')],
    ['a no-break space after it', headerOfText(json).replace(' ', '\u00a0')],
    ['a blank before it', ` ${headerOfText(json)}`],
    ['a long s in it', headerOfText(json).replace('s', '\u017f')],
  ])('%s as token_wrong_scheme', (_, header) => {
    expect(readToken(header)).toBe('token_wrong_scheme')
  })

  const whole = headerOfText(jsonWithRemainder(0))
  const padded = headerOfText(jsonWithRemainder(1))
  it.each([
    ['a character of neither alphabet', whole.replace(/.$/, '!')],
    ['a character that only looks like one', whole.replace(/.$/, '\u0410')],
    ['a blank inside', whole.replace(/(.{50})/, '$1 ')],
    ['a blank at the end', `${whole} `],
    ['a line break at the end', `${whole}\n`],
    ['both alphabets', `${whole.slice(0, -8)}+-+-/_/_`],
    ['a mixture of both alphabets', `${whole.slice(0, -8)}+_AAAAAA`],
    ['padding inside', whole.replace(/.$/, '=A')],
    ['padding alone', 'Nostr =='],
    ['padding that is not needed', `${whole}=`],
    ['four characters of padding', `${whole}====`],
    ['padding that is too short', padded.slice(0, -1)],
    ['padding that is too long', `${padded}=`],
    ['a length that no bytes have', `${whole}A`],
    ['bits that stand for nothing', padded.replace(/.==$/, 'B==')],
    ['two tokens', `${whole}, ${whole}`],
  ])('%s as token_bad_base64', (_, header) => {
    expect(readToken(header)).toBe('token_bad_base64')
  })

  it.each([
    ['text', 'hello'],
    ['half an event', json.slice(0, -1)],
    ['two events', json + json],
    ['a byte order mark', `\ufeff${json}`],
    ['a comment', `/**/${json}`],
    [
      'bytes that are no UTF-8',
      Buffer.from(json.replace('"content":""', '"content":"\u00e9"'), 'latin1'),
    ],
    ['UTF-16', Buffer.from(json, 'utf16le')],
  ])('%s as token_not_json', (_, text) => {
    expect(readToken(headerOfText(text))).toBe('token_not_json')
  })

  const without = (field: string) =>
    Object.fromEntries(Object.entries(read).filter(([name]) => name !== field))

  it.each(Object.keys(read))('an event without %s as token_bad_event', (field) => {
    expect(readToken(headerOf(without(field)))).toBe('token_bad_event')
    expect(readToken(headerOf({ ...read, [field]: null }))).toBe('token_bad_event')
    expect(readToken(headerOf({ ...read, [field]: {} }))).toBe('token_bad_event')
  })

  it.each([
    ['null', null],
    ['a number', 1],
    ['a string', json],
    ['an array', [read]],
    ['an empty object', {}],
    ['a field more', { ...read, expiration: 0 }],
    ['an id in upper case', { ...read, id: 'A'.repeat(64) }],
    ['an id that is too short', { ...read, id: 'a'.repeat(63) }],
    ['an id with a line break', { ...read, id: `${'a'.repeat(64)}\n` }],
    ['a pubkey that is an npub', { ...read, pubkey: `npub1${'q'.repeat(58)}` }],
    ['a pubkey that is too long', { ...read, pubkey: 'a'.repeat(66) }],
    ['a signature that is too short', { ...read, sig: 'a'.repeat(126) }],
    ['a time that is a string', { ...read, created_at: String(event.created_at) }],
    ['a time that is a fraction', { ...read, created_at: event.created_at + 0.5 }],
    ['a time before 1970', { ...read, created_at: -1 }],
    ['a time beyond all integers', { ...read, created_at: 1e300 }],
    ['a kind that is a string', { ...read, kind: '27235' }],
    ['a kind that is a fraction', { ...read, kind: 27235.5 }],
    ['a kind beyond 65535', { ...read, kind: 65536 }],
    ['tags that are an object', { ...read, tags: { u: 'x' } }],
    ['a tag that is a string', { ...read, tags: ['u'] }],
    ['a tag with a number', { ...read, tags: [['u', 1]] }],
    ['an empty tag', { ...read, tags: [[]] }],
    ['too many tags', { ...read, tags: Array.from({ length: 33 }, () => ['a']) }],
    ['a tag that is too long', { ...read, tags: [Array.from({ length: 17 }, () => 'a')] }],
  ])('%s as token_bad_event', (_, token) => {
    expect(readToken(headerOf(token))).toBe('token_bad_event')
  })

  it('an object that brings a prototype, or is nested deep, as token_bad_event', () => {
    const smuggled = json.replace(/}$/, ',"__proto__":{"kind":1}}')
    expect(readToken(headerOfText(smuggled))).toBe('token_bad_event')
    const deep = '['.repeat(1400) + ']'.repeat(1400)
    expect(readToken(headerOfText(deep))).toBe('token_bad_event')
  })
})

describe('readToken', () => {
  it('ends with a code or an event for any bytes, text and JSON', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `Nostr ${text}`),
      fc.uint8Array().map((bytes) => headerOfText(bytes)),
      fc.json().map((text) => headerOfText(text)),
    )
    fc.assert(
      fc.property(anyText, (header) => {
        expect(readToken(header)).toMatch(/^token_[a-z0-9_]+$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('is done with the worst headers at once', () => {
    for (const unit of ['=', 'A=', '+-', ' ', '\t ', 'Nostr ', '[']) {
      const header = `Nostr ${unit.repeat(MAX_HEADER_LENGTH)}`.slice(0, MAX_HEADER_LENGTH)
      expect(typeof readToken(header)).toBe('string')
    }
  })
})
