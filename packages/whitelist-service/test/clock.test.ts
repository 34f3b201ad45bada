import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClock } from '../src/clock.js'
import { simulateClock } from './_clock.js'

const START = 1_800_000_000
const START_MS = START * 1000

/** What may happen to a clock: seconds that pass, and jumps ahead or back. */
const steps = fc.array(
  fc.oneof(
    fc.record({ pass: fc.integer({ min: 0, max: 500 }) }),
    fc.record({ jump: fc.integer({ min: -100_000, max: 100_000 }) }),
  ),
)

describe('createClock', () => {
  it('shows the time of the system', () => {
    const clock = simulateClock(START)
    expect(clock.nowMs()).toBe(START_MS)
    clock.pass(1.5)
    expect(clock.nowMs()).toBe(START_MS + 1500)
    expect(clock.elapsedMs()).toBe(1500)
    expect(clock.behindMs()).toBe(0)
  })

  it('goes on when the system is set back, and says by how much', () => {
    const clock = simulateClock(START)
    clock.pass(100)
    clock.jump(-3600)
    expect(clock.nowMs()).toBe(START_MS + 100_000)
    expect(clock.behindMs()).toBe(3_600_000)
    clock.pass(10)
    expect(clock.nowMs()).toBe(START_MS + 110_000)
  })

  it('follows a jump ahead, and heals when it is taken back', () => {
    const clock = simulateClock(START)
    clock.jump(3600)
    clock.pass(10)
    expect(clock.nowMs()).toBe(START_MS + 3_610_000)
    clock.jump(-3600)
    expect(clock.nowMs()).toBe(START_MS + 10_000)
    expect(clock.behindMs()).toBe(0)
  })

  it('heals when the system is set right after it was set back', () => {
    const clock = simulateClock(START)
    clock.jump(-3600)
    clock.jump(3605)
    expect(clock.behindMs()).toBe(0)
    expect(clock.nowMs()).toBe(START_MS + 5000)
  })

  it('is never behind the time since the start, nor behind the system, whatever happens', () => {
    fc.assert(
      fc.property(steps, (happenings) => {
        const clock = simulateClock(START)
        let [passed, wall, floor] = [0, START, 0]
        for (const { pass = 0, jump = 0 } of happenings as { pass?: number; jump?: number }[]) {
          clock.pass(pass)
          clock.jump(jump)
          passed += pass
          wall += pass + jump
          expect(clock.elapsedMs()).toBe(passed * 1000)
          expect(clock.nowMs()).toBe(Math.max(START + passed, wall) * 1000)
          expect(clock.behindMs()).toBe(Math.max(0, START + passed - wall) * 1000)
          expect(clock.floorMs()).toBeGreaterThanOrEqual(floor)
          expect(clock.nowMs()).toBeGreaterThanOrEqual(clock.floorMs())
          floor = clock.floorMs()
        }
      }),
    )
  })

  it('has whole milliseconds, though the time since the start has fractions', () => {
    let elapsedMs = 0.9
    const clock = createClock({ wallMs: () => START_MS, elapsedMs: () => elapsedMs })
    elapsedMs = 2.5
    expect(clock.nowMs()).toBe(START_MS + 1)
    expect(clock.behindMs()).toBe(1)
  })

  it('reads the real clocks unless it is given others', () => {
    const before = Date.now()
    const clock = createClock()
    expect(clock.nowMs()).toBeGreaterThanOrEqual(before)
    expect(clock.elapsedMs()).toBeGreaterThanOrEqual(0)
    expect(Number.isInteger(clock.nowMs())).toBe(true)
  })
})
