import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AllowlistFormatError,
  lineOfEntry,
  parseAllowlistDocument,
} from '../../src/list/allowlist-document.js'
import { bytesOf, listOf } from '../_bytes.js'

/** What a document says that has nothing beside its entries. */
const NOTHING = { meta: new Map(), banned: new Map() }

function refusal(content: string | Uint8Array): string {
  const bytes = typeof content === 'string' ? bytesOf(content) : content
  try {
    parseAllowlistDocument(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(AllowlistFormatError)
    return (error as AllowlistFormatError).message
  }
  return 'accepted'
}

describe('parseAllowlistDocument', () => {
  it('reads the entries as they are spelled, in their order', () => {
    const pubkeys = ['b', 'A', '', ' a ', 'b', '\u00e9', '\ud83d\ude00']
    expect(parseAllowlistDocument(listOf(pubkeys))).toEqual({ pubkeys, ...NOTHING })
  })

  it('reads an empty list', () => {
    expect(parseAllowlistDocument(bytesOf('{"pubkeys": []}'))).toEqual({ pubkeys: [], ...NOTHING })
  })

  it('ignores the fields beside pubkeys', () => {
    const text = '{"version": 2, "pubkeys": ["a"], "labels": {"a": null}, "__proto__": [1]}'
    expect(parseAllowlistDocument(bytesOf(text))).toEqual({ pubkeys: ['a'], ...NOTHING })
  })

  it('reads a file with a byte order mark', () => {
    expect(parseAllowlistDocument(bytesOf('\ufeff{"pubkeys": ["a"]}'))).toEqual({
      pubkeys: ['a'],
      ...NOTHING,
    })
  })

  it('reads a file with CRLF line ends and white space around it', () => {
    const text = '\r\n {\r\n"pubkeys":\r\n["a"]\r\n}\r\n\r\n'
    expect(parseAllowlistDocument(bytesOf(text))).toEqual({ pubkeys: ['a'], ...NOTHING })
  })

  const syntax = (line: number, column: number) =>
    `the file is not valid JSON: look at line ${line}, column ${column}, and just before it`

  it.each([
    ['a comma too many', '{"pubkeys": [\n  "a",\n  "b",\n]}', syntax(4, 1)],
    ['a comma too few', '{"pubkeys": [\n  "a"\n  "b"\n]}', syntax(3, 3)],
    ['a quote that is missing', '{"pubkeys": [\n  "a",\n  b"\n]}', syntax(3, 3)],
    ['a quote that does not close', '{"pubkeys": [\n  "a,\n  "b"\n]}', syntax(2, 3)],
    ['single quotes', "{'pubkeys': []}", syntax(1, 2)],
    ['a comment', '{\n  // mine\n  "pubkeys": []\n}', syntax(2, 3)],
    ['an end that is missing', '{"pubkeys": [\n  "a"', syntax(2, 6)],
    ['something after the end', '{"pubkeys": []}\n{}', syntax(2, 1)],
    ['one key a line', 'npub1abc\nnpub1def\n', syntax(1, 1)],
    ['a merge conflict', '{"pubkeys": [\n<<<<<<< HEAD\n"a"\n]}', syntax(2, 1)],
  ])('says where there is %s', (_, text, message) => {
    expect(refusal(text)).toBe(message)
  })

  it('counts lines with CRLF too', () => {
    expect(refusal('{"pubkeys": [\r\n  "a",\r\n]}\r\n')).toBe(syntax(3, 1))
  })

  it('says that a file is empty', () => {
    for (const text of ['', ' \n\t', '\ufeff', '\ufeff\n']) {
      expect(refusal(text)).toBe('the file is empty: an empty list is {"pubkeys": []}')
    }
  })

  it.each([
    ['UTF-16', Buffer.from('\ufeff{"pubkeys": []}', 'utf16le')],
    ['Latin-1', Buffer.from('{"pubkeys": ["\u00e9"]}', 'latin1')],
    ['an image', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['text that was cut inside a character', bytesOf('{"pubkeys": ["\u00e9').slice(0, -1)],
  ])('says that %s is not UTF-8', (_, bytes) => {
    expect(refusal(bytes)).toBe('the file is not UTF-8 text: save it as UTF-8')
  })

  it('refuses NUL bytes as JSON that is not valid', () => {
    expect(refusal(new Uint8Array(100))).toBe(syntax(1, 1))
  })

  it.each(['[]', '["a"]', 'null', 'true', '42', '"npub1abc"'])(
    'says that %s is no object',
    (text) => {
      expect(refusal(text)).toMatch(
        /^(the file must hold a JSON object|"pubkeys" must be an array of strings), like \{"pubkeys"/,
      )
    },
  )

  it.each([
    '{}',
    '{"pubkeys": null}',
    '{"pubkeys": "a"}',
    '{"pubkeys": {"0": "a"}}',
    '{"pubkeys": 3}',
    '{"Pubkeys": []}',
    '{"__proto__": {"pubkeys": []}}',
  ])('says that the list is missing in %s', (text) => {
    expect(refusal(text)).toBe(
      '"pubkeys" must be an array of strings, like {"pubkeys": ["npub1…", …]}',
    )
  })

  it.each(['42', 'null', 'true', '{"npub": "a"}', '["a"]'])(
    'says where an entry is %s instead of a string',
    (entry) => {
      expect(refusal(`{"pubkeys": [\n  "a",\n  "b",\n  ${entry}\n]}`)).toBe(
        'entry 2 (line 4) must be a string',
      )
    },
  )

  it('names the first of several wrong entries', () => {
    expect(refusal('{\n"pubkeys": [1,\n2]}')).toBe('entry 0 (line 2) must be a string')
  })

  it('never repeats what stands in the file', () => {
    const secret = 'hunter2'
    const files = [
      `{"pubkeys": [${secret}]}`,
      secret,
      `{"pubkeys": ["a" "${secret}"]}`,
      `{"pubkeys": {"${secret}": 1}}`,
      `{"pubkeys": [{"key": "${secret}"}]}`,
      `{"${secret}": []}`,
      `{"pubkeys": ["a"], ${secret}`,
    ]
    for (const text of files) expect(refusal(text)).not.toMatch(/accepted|hunter/)
  })

  it.each([
    ['an array that never ends', '['.repeat(200_000)],
    ['an entry', `{"pubkeys": [${'['.repeat(200_000)}${']'.repeat(200_000)}]}`],
    ['an object that never ends', '{"a":'.repeat(200_000)],
  ])('refuses %s, however deep it is nested', (_, text) => {
    expect(refusal(text)).toMatch(
      /^(the file is not valid JSON|the file must|"pubkeys" must|entry 0)/,
    )
  })

  it('reads or refuses any JSON', () => {
    const documents = fc.oneof(
      fc.json(),
      fc.record({ pubkeys: fc.jsonValue() }).map((value) => JSON.stringify(value)),
      fc.record({ pubkeys: fc.array(fc.jsonValue()) }).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(documents, (text) => {
        expect(refusal(text)).toMatch(
          /^(accepted|the file must|"pubkeys" must|entry \d+ \(line 1\))/,
        )
      }),
    )
  })

  it('reads or refuses any bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: 'binary' }).map(bytesOf),
      fc
        .string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '\n', 'u', '1') })
        .map(bytesOf),
    )
    fc.assert(
      fc.property(bytes, (content) => {
        expect(refusal(content)).not.toBe('')
      }),
    )
  })

  it('refuses a file that was cut anywhere', () => {
    const whole = '{"pubkeys": ["npub1abc", "npub1def"]}'
    for (let length = 0; length < whole.length; length += 1) {
      expect(refusal(whole.slice(0, length))).toMatch(/^the file is (empty|not valid JSON)/)
    }
  })
})

describe('lineOfEntry', () => {
  it('counts from 1, wherever the entry stands', () => {
    const bytes = bytesOf('\ufeff{"other": [\n"x"],\n"pubkeys": ["a",\r\n"b",\n\n"c"]}')
    expect([0, 1, 2].map((index) => lineOfEntry(bytes, index))).toEqual([3, 4, 6])
  })
})
