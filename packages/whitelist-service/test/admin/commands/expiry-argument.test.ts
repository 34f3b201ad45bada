import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExpiry } from '../../../src/admin/commands/expiry-argument.js'

const NOW = Date.parse('2026-06-01T12:00:00Z') / 1000

function read(text: string): string {
  return new Date(parseExpiry(text, NOW) * 1000).toISOString()
}

describe('parseExpiry', () => {
  it.each([
    ['2026-12-31T18:00:00Z', '2026-12-31T18:00:00.000Z'],
    ['2026-12-31T18:00:00+02:00', '2026-12-31T16:00:00.000Z'],
    ['2026-12-31t18:00:00z', '2026-12-31T18:00:00.000Z'],
    ['2026-12-31T18:00:00.999Z', '2026-12-31T18:00:00.000Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z'],
    [' 2026-12-31 ', '2026-12-31T00:00:00.000Z'],
    ['1800000000', '2027-01-15T08:00:00.000Z'],
    ['12h', '2026-06-02T00:00:00.000Z'],
    ['30d', '2026-07-01T12:00:00.000Z'],
    ['2W', '2026-06-15T12:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('reads %j', (text, time) => {
    expect(read(text)).toBe(time)
  })

  it.each([
    ...['', 'soon', '-1d', '1.5d', '30', '30m', '5y', 'd', '12 h', '0x10', '1e9'],
    ...['2026-02-30', '2026-13-01', '2026-6-1', '2026-12-31T18:00:00', '2026-12-31 18:00'],
    ...['2026-12-31T25:00:00Z', '2026-05-31', '2026-06-01', '2026-06-01T12:00:00Z', '0h', '0'],
  ])('refuses %j', (text) => {
    expect(() => read(text)).toThrow(/^--expires must be/)
  })

  it.each(['1800000000000', '999999999999999w'])('refuses %s as too far away', (text) => {
    expect(() => read(text)).toThrow('--expires is after the year 9999')
  })

  it('reads what it can write, or refuses it, and repeats nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom(...Array.from('0123456789hdwTZ:-+')) }),
        ),
        (text) => {
          try {
            const seconds = parseExpiry(text, NOW)
            expect(Number.isInteger(seconds)).toBe(true)
            expect(parseExpiry(new Date(seconds * 1000).toISOString(), NOW)).toBe(seconds)
          } catch (error) {
            expect((error as Error).message).toMatch(/^--expires (must be|is after)/)
          }
        },
      ),
    )
  })
})
