import { describe, expect, it } from 'vitest'
import { scanItems } from '../../../src/admin/editing/json-items.js'

describe('scanItems', () => {
  it('tells where the entries of an array stand', () => {
    const text = ' [ 1 ,"a", {"b": []} ] '
    const { start, end, count, picked } = scanItems(text, 0, () => true)
    expect(text.slice(start, end)).toBe('[ 1 ,"a", {"b": []} ]')
    expect(count).toBe(3)
    expect(picked.map((item) => text.slice(item.start, item.end))).toEqual([
      '1',
      '"a"',
      '{"b": []}',
    ])
    expect(picked.map(({ nextStart }) => nextStart)).toEqual([
      picked[1]?.start,
      picked[2]?.start,
      undefined,
    ])
    expect(picked.map(({ previousEnd }) => previousEnd)).toEqual([
      2,
      picked[0]?.end,
      picked[1]?.end,
    ])
  })

  it('tells where the properties of an object stand, and what they are called', () => {
    const text = '{"a" : 1, "\\u0062": [2], "": null}'
    const { picked } = scanItems(text, 0, () => true)
    expect(picked.map((item) => item.text)).toEqual(['a', 'b', ''])
    expect(picked.map((item) => text.slice(item.start, item.nameEnd))).toEqual([
      '"a"',
      '"\\u0062"',
      '""',
    ])
    expect(picked.map((item) => text.slice(item.valueStart, item.end))).toEqual([
      '1',
      '[2]',
      'null',
    ])
  })

  it('keeps only what is asked for, and the first and the last', () => {
    const { picked, first, last, count } = scanItems('[1,2,3]', 0, ({ index }) => index === 1)
    expect([first?.index, picked.map(({ index }) => index), last?.index]).toEqual([0, [1], 2])
    expect(count).toBe(3)
    expect(scanItems('{}', 0)).toMatchObject({ count: 0, first: undefined, last: undefined })
  })

  it('goes through a value that is nested deeper than the stack is', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    expect(scanItems(`{"a": ${deep}, "b": 1}`, 0).count).toBe(2)
  })

  it('does not go on for ever where the text ends too soon', () => {
    expect(() => scanItems('[1, ', 0)).toThrow(SyntaxError)
  })
})
