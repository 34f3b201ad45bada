import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUsedTokens } from '../../../src/admin/nip86/used-tokens.js'
import { simulateClock } from '../../_clock.js'

const WINDOW = 60
let lastId = 0
const newId = () => (lastId += 1).toString(16).padStart(64, '0')

function setUp(capacity?: number) {
  const clock = simulateClock()
  const tokens = createUsedTokens(capacity === undefined ? { clock } : { clock, capacity })
  return {
    clock,
    claim: tokens.claim,
    claimNew: (skew = 0) => tokens.claim({ id: newId(), createdAt: clock.nowSeconds() + skew }),
  }
}

describe('claim', () => {
  it('lets a token through once', () => {
    const { clock, claim } = setUp()
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    expect(claim(token)).toBe('used')
    expect(claim({ ...token })).toBe('used')
    expect(claim({ ...token, id: newId() })).toBe('claimed')
  })

  it('refuses a used token for as long as it is in its window, and after', () => {
    const { clock, claim } = setUp()
    const token = { id: newId(), createdAt: clock.nowSeconds() + WINDOW }
    expect(claim(token)).toBe('claimed')
    clock.pass(2 * WINDOW + 0.999)
    expect(claim(token)).toBe('used')
    clock.pass(0.001)
    expect(claim(token)).toBe('out_of_window')
  })

  it('refuses tokens from before the start, but not those of its first second', () => {
    const clock = simulateClock(1_800_000_000.9)
    const { claim } = createUsedTokens({ clock })
    expect(claim({ id: newId(), createdAt: 1_799_999_999 })).toBe('before_start')
    expect(claim({ id: newId(), createdAt: 1_800_000_000 })).toBe('claimed')
    clock.pass(30)
    expect(claim({ id: newId(), createdAt: 1_799_999_999 })).toBe('before_start')
  })

  it('refuses tokens out of their window on either side', () => {
    const { clock, claimNew } = setUp()
    clock.pass(1000)
    expect(claimNew(-WINDOW)).toBe('claimed')
    expect(claimNew(WINDOW)).toBe('claimed')
    expect(claimNew(-WINDOW - 1)).toBe('out_of_window')
    expect(claimNew(WINDOW + 1)).toBe('out_of_window')
    expect(claimNew(Number.NaN)).toBe('out_of_window')
  })

  it('does not let a used token through after the clock jumped ahead and back', () => {
    const { clock, claim, claimNew } = setUp()
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    clock.jump(3600)
    expect(claimNew()).toBe('claimed')
    clock.jump(-3600)
    expect(claim(token)).toBe('used')
  })

  it('knows a token of the time to which the clock had jumped until the end of its window', () => {
    const { clock, claim, claimNew } = setUp()
    clock.jump(3600)
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    clock.jump(-3600)
    expect(claim(token)).toBe('out_of_window')
    clock.pass(3600 + WINDOW + 0.999)
    expect(claimNew()).toBe('claimed')
    expect(claim(token)).toBe('used')
  })

  it('does not let a used token through after the clock was set right and back again', () => {
    const { clock, claim, claimNew } = setUp()
    clock.jump(86_400)
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    clock.pass(1000)
    expect(claimNew()).toBe('claimed')
    clock.jump(-980)
    expect(claim(token)).toBe('used')
  })
})

describe('the memory of used tokens', () => {
  it('refuses new tokens when it is full, and still knows the used ones', () => {
    const { clock, claim, claimNew } = setUp(3)
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    expect([claimNew(), claimNew(), claimNew(), claimNew()]).toEqual([
      'claimed',
      'claimed',
      'full',
      'full',
    ])
    expect(claim(token)).toBe('used')
  })

  it('has room again when tokens are out of their window, 121 s at the latest', () => {
    const { clock, claimNew } = setUp(2)
    expect([claimNew(WINDOW), claimNew(-0), claimNew()]).toEqual(['claimed', 'claimed', 'full'])
    clock.pass(120)
    expect(claimNew()).toBe('full')
    clock.pass(1)
    expect([claimNew(), claimNew(), claimNew()]).toEqual(['claimed', 'claimed', 'full'])
  })

  it('forgets nothing within 121 s, even when the clock is ahead by then', () => {
    const { clock, claim, claimNew } = setUp(1)
    const token = { id: newId(), createdAt: clock.nowSeconds() }
    expect(claim(token)).toBe('claimed')
    clock.pass(100)
    clock.jump(10_000)
    expect(claimNew()).toBe('full')
    clock.pass(20)
    expect(claimNew()).toBe('full')
    clock.pass(1)
    expect(claimNew()).toBe('claimed')
  })

  it('is not blocked by tokens of a time to which the clock had jumped', () => {
    const { clock, claimNew } = setUp(3)
    clock.jump(1_000_000)
    expect(claimNew()).toBe('claimed')
    clock.jump(-1_000_000)
    for (let round = 0; round < 100; round += 1) {
      expect(claimNew()).toBe('claimed')
      expect(claimNew()).toBe('claimed')
      expect(claimNew()).toBe('full')
      clock.pass(121)
    }
  })

  it('is not blocked where the clock was far behind at the start', () => {
    const { clock, claimNew } = setUp(3)
    clock.jump(1_000_000_000)
    for (let round = 0; round < 100; round += 1) {
      expect([claimNew(), claimNew(), claimNew(), claimNew()]).toContain('full')
      clock.pass(121)
    }
    expect(claimNew()).toBe('claimed')
  })

  it('takes 10,000 tokens in two minutes, and any number in any longer time', () => {
    const { clock, claimNew } = setUp()
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 10_000; count += 1) expect(claimNew()).toBe('claimed')
      expect(claimNew()).toBe('full')
      clock.pass(121)
    }
  })
})

describe('a token works once', () => {
  const happening = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), by: fc.integer({ min: 0, max: 150 }) }),
    fc.record({
      kind: fc.constant('jump' as const),
      by: fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -10_000, max: 10_000 })),
    }),
    fc.record({
      kind: fc.constant('make' as const),
      by: fc.integer({ min: -WINDOW, max: WINDOW }),
    }),
    // Most of all: somebody tries an old one again.
    fc.record({ kind: fc.constant('replay' as const), by: fc.nat(20) }),
    fc.record({ kind: fc.constant('replay' as const), by: fc.nat(3) }),
  )

  it('however the clock jumps', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 200 }), (happenings) => {
        const { clock, claim } = setUp()
        const made: { id: string; createdAt: number }[] = []
        const claimed = new Set<string>()
        const tryOne = (token: { id: string; createdAt: number } | undefined) => {
          if (token === undefined || claim(token) !== 'claimed') return
          expect(claimed.has(token.id)).toBe(false)
          claimed.add(token.id)
        }
        for (const { kind, by } of happenings) {
          if (kind === 'pass' || kind === 'jump') clock[kind](by)
          else if (kind === 'replay') tryOne(made.at(-1 - by))
          else {
            made.push({ id: newId(), createdAt: clock.nowSeconds() + by })
            tryOne(made.at(-1))
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
