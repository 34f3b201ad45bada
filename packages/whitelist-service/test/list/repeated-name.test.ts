import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AllowlistFormatError, parseAllowlistDocument } from '../../src/list/allowlist-document.js'
import { findRepeatedName } from '../../src/list/repeated-name.js'
import { bytesOf } from '../_bytes.js'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

function refusal(text: string): string {
  try {
    parseAllowlistDocument(bytesOf(text))
  } catch (error) {
    expect(error).toBeInstanceOf(AllowlistFormatError)
    return (error as AllowlistFormatError).message
  }
  return 'accepted'
}

function find(text: string) {
  return findRepeatedName(text, JSON.parse(text), () => true)
}

describe('a file that says something twice', () => {
  it.each([
    ['"banned"', `{"pubkeys": [],\n"banned": {"${A}": {}},\n"banned": {}}`],
    ['"meta"', `{"pubkeys": [],\n"meta": {"${A}": {"expires_at": 1}},\n"meta": {}}`],
    ['"pubkeys"', `{"pubkeys": ["a"],\n"x": 1,\n"pubkeys": ["b"]}`],
    ['"banned"', `{"banned": {"${A}": {}}, "pubkeys": [],\n\n"b\\u0061nned": {}}`],
    ['"banned"', `{"pubkeys": [], "banned": 1,\n\n"banned"  \t :{}}`],
    ['a name in "banned"', `{"pubkeys": [], "banned": {\n"${A}": {"reason": "r"},\n"${A}": {}}}`],
    ['a name in "meta"', `{"pubkeys": [], "meta": {\n"${A}": {"expires_at": 1},\n"${A}": {}}}`],
    ['a name in "meta"', `{"pubkeys": [], "meta": {"${A}":\n{"expires_at": 1,\n"expires_at": 9}}}`],
  ])('is refused with the line: %s', (what, text) => {
    expect(refusal(text)).toBe(`${what} (line 3) stands there twice: keep one of them`)
  })

  it('is refused without a word of what it says', () => {
    const text = '{"pubkeys": [], "meta": {"nsec1hunter2": {}, "nsec1hunter2": {}}}'
    expect(refusal(text)).toBe('a name in "meta" (line 1) stands there twice: keep one of them')
  })

  it('is refused though it is nested absurdly deep elsewhere', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const text = `{"x": ${deep}, "banned": {"${A}": {}}, "pubkeys": [], "banned": {}}`
    expect(refusal(text)).toBe('"banned" (line 1) stands there twice: keep one of them')
  })

  it.each([
    ['the names of others', '{"pubkeys": [], "x": 1, "x": 2}'],
    ['the names of others further inside', '{"x": {"banned": 1, "banned": 2}, "pubkeys": []}'],
    ['one name in two places', `{"pubkeys": [], "meta": {"${A}": {}}, "banned": {"${A}": {}}}`],
    ['one name for two keys', `{"pubkeys": [], "meta": {"${A}": {"x": 1}, "${B}": {"x": 1}}}`],
    ['a text like a name', `{"pubkeys": ["\\"banned\\": {", "\\"banned\\":"], "banned": {}}`],
    ['the name in a list', '{"pubkeys": ["banned", "banned"], "banned": {}}'],
  ])('may do so with %s', (_, text) => {
    expect(refusal(text)).toBe('accepted')
  })
})

describe('findRepeatedName', () => {
  it('tells the path and the line of the first', () => {
    const text = '{"a": {"b": {"c": 1,\n"c": 2,\n"c": 3}}, "a": 4}'
    expect(find(text)).toEqual({ path: ['a', 'b', 'c'], line: 2 })
  })

  it('looks three names deep', () => {
    expect(find('{"a": {"b": {"c": {"d": 1, "d": 2}}}}')).toBeUndefined()
  })

  it('finds nothing in what was written by JSON.stringify', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(3), (value, indent) => {
        expect(find(JSON.stringify(value, null, indent))).toBeUndefined()
      }),
    )
  })

  it('finds a name that was put in again, whatever stands around', () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(names, fc.jsonValue(), fc.nat(), fc.nat(), (fields, value, from, to) => {
        const members = fields.map((name) => [name, value] as const)
        const [again = ''] = members[from % members.length] ?? []
        const first = members.findIndex(([name]) => name === again)
        const at = first + 1 + (to % (members.length - first))
        const all = [...members.slice(0, at), [again, null] as const, ...members.slice(at)]
        const text = all.map(
          ([name, inside]) => `${JSON.stringify(name)}:${JSON.stringify(inside)}`,
        )
        expect(find(`{${text.join(',\n')}}`)).toEqual({ path: [again], line: at + 1 })
      }),
    )
  })
})
