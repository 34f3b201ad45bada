import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTable, isKept, median, percentile } from '../../src/bench/measurement.js'

describe('percentile', () => {
  it('is the value that so many percent do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(hundred, 99)).toBe(99)
    expect(percentile(hundred, 50)).toBe(50)
    expect(percentile(hundred, 100)).toBe(100)
    expect(percentile(hundred, 0)).toBe(1)
    expect(percentile([7], 99)).toBe(7)
  })

  it('is no number where there is no value', () => {
    expect(percentile([], 99)).toBeNaN()
  })

  it('leaves no more values above it than it should', () => {
    const anyPercent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), anyPercent, (values, percent) => {
        const found = percentile(values, percent)
        expect(values).toContain(found)
        const above = values.filter((value) => value > found).length
        expect(above).toBeLessThanOrEqual(values.length * (1 - percent / 100) + 1e-9)
      }),
    )
  })
})

describe('median', () => {
  it('is the middle one, whatever the order', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(3)
    expect(median([])).toBeNaN()
  })
})

describe('isKept', () => {
  it.each([
    ['no limit', { value: 9 }, true],
    ['at the most that is accepted', { value: 9, limit: 9 }, true],
    ['above it', { value: 9.1, limit: 9 }, false],
    ['at the least that is accepted', { value: 9, limit: 9, atLeast: true }, true],
    ['below it', { value: 8.9, limit: 9, atLeast: true }, false],
    ['no number', { value: NaN, limit: 9 }, false],
    ['no number, at least', { value: NaN, limit: 9, atLeast: true }, false],
  ])('says of a value with %s: %s', (_name, measurement, kept) => {
    expect(isKept({ what: 'x', unit: 'ms', ...measurement })).toBe(kept)
  })
})

describe('formatTable', () => {
  it('shows what was measured, its limit, and whether it is kept', () => {
    const table = formatTable([
      { what: 'slowest', value: 12.34, unit: 'ms', limit: 10 },
      { what: 'ratio', value: 1.234, unit: '×', limit: 0.95, atLeast: true },
      { what: 'calls', value: 3, unit: 'calls' },
    ])
    expect(table).toBe(
      [
        '| what    | measured |    limit | kept |',
        '| ------- | -------: | -------: | ---- |',
        '| slowest |  12.3 ms |  ≤ 10 ms | NO   |',
        '| ratio   |   1.23 × | ≥ 0.95 × | yes  |',
        '| calls   |  3 calls |          | yes  |',
      ].join('\n'),
    )
  })
})
