import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeSyntax, lineAt, lineOf } from '../../src/list/json-place.js'

describe('lineOf', () => {
  const text = '{"a":\n{\n"b"\n: [1,\n2, {"c": 3}]},\r\n"d": 4}'

  it.each([
    [['a'], 1],
    [['a', 'b'], 3],
    [['a', 'b', 0], 4],
    [['a', 'b', 1], 5],
    [['a', 'b', 2, 'c'], 5],
    [['d'], 6],
  ])('finds %j on line %i: where it begins, or its name does', (path, line) => {
    expect(lineOf(text, path)).toBe(line)
  })

  it.each([[['x']], [['a', 'x']], [['a', 'b', 9]], [['d', 'x']]])(
    'says 1 for %j, which is not there',
    (path) => {
      expect(lineOf(text, path)).toBe(1)
    },
  )

  it('finds each field of what JSON.stringify wrote with one on each line', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), (names) => {
        const written = `{${names.map((name) => `\n${JSON.stringify(name)}: 1`).join(',')}}`
        expect(names.map((name) => lineOf(written, [name]))).toEqual(
          names.map((_, index) => index + 2),
        )
      }),
    )
  })
})

describe('lineAt', () => {
  it('counts from 1', () => {
    const offsets = [0, 1, 2, 3, 4]
    expect(offsets.map((offset) => lineAt('a\nb\r\n', offset))).toEqual([1, 1, 2, 2, 2])
  })
})

describe('describeSyntax', () => {
  it('repeats nothing of any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(describeSyntax(text)).toMatch(
          /^the file is (empty: an empty list is \{"pubkeys": \[\]\}|not valid JSON: look at line \d+, column \d+, and just before it)$/,
        )
      }),
    )
  })
})
