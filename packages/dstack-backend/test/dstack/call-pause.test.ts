import { describe, expect, it } from 'vitest'
import { countTimeouts, PAUSE_FROM, pauseMs } from '../../src/dstack/call-pause.js'

describe('pauseMs', () => {
  it('is 1 s after the first two timeouts, then longer and longer up to 30 s', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 1000].map(pauseMs)
    expect(pauses).toEqual([1_000, 1_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000])
  })

  it('is none without a timeout', () => {
    expect(pauseMs(0)).toBe(0)
  })

  it('grows for the first time where a pause begins', () => {
    expect(pauseMs(PAUSE_FROM)).toBeGreaterThan(pauseMs(PAUSE_FROM - 1))
    expect(pauseMs(PAUSE_FROM - 1)).toBe(pauseMs(1))
  })
})

describe('countTimeouts', () => {
  it('counts timeouts in a row', () => {
    expect(countTimeouts(0, 'timeout')).toBe(1)
    expect(countTimeouts(6, 'timeout')).toBe(7)
  })

  it.each(['ok', 'connect', 'auth', 'http', 'invalid', 'too_large'])(
    'begins anew after %s',
    (outcome) => {
      expect(countTimeouts(6, outcome)).toBe(0)
    },
  )
})
