import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTime } from '../src/time-text.js'

describe('formatTime', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1_796_083_200, '2026-12-01T00:00:00Z'],
    [253_402_300_799, '9999-12-31T23:59:59Z'],
  ])('writes %i as %s', (seconds, text) => {
    expect(formatTime(seconds)).toBe(text)
  })

  it('writes each second as RFC 3339 in UTC, without a fraction', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat().map((n) => n % 253_402_300_800),
        (seconds) => {
          const text = formatTime(seconds)
          expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
          expect(Date.parse(text)).toBe(seconds * 1000)
        },
      ),
    )
  })
})
