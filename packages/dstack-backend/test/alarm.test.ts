import { describe, expect, it } from 'vitest'
import { createAlarm } from '../src/alarm.js'
import { fakeClock } from './_clock.js'

function setup() {
  const clock = fakeClock()
  let rings = 0
  const alarm = createAlarm(() => (rings += 1), clock.setTimer)
  return { clock, alarm, rings: () => rings }
}

describe('createAlarm', () => {
  it('rings once when it is time', async () => {
    const { clock, alarm, rings } = setup()
    alarm.start()
    alarm.set(1_000)
    await clock.advance(999)
    expect(rings()).toBe(0)
    await clock.advance(10_000)
    expect(rings()).toBe(1)
  })

  it('knows only the time that was set last', async () => {
    const { clock, alarm, rings } = setup()
    alarm.start()
    alarm.set(1_000)
    alarm.set(2_000)
    await clock.advance(1_999)
    expect(rings()).toBe(0)
    expect(clock.timers()).toBe(1)
  })

  it('does not ring when it was stopped or not started', async () => {
    const { clock, alarm, rings } = setup()
    alarm.set(1_000)
    alarm.start()
    alarm.set(1_000)
    alarm.stop()
    alarm.set(1_000)
    expect(clock.timers()).toBe(0)
    await clock.advance(10_000)
    expect(rings()).toBe(0)
  })
})
