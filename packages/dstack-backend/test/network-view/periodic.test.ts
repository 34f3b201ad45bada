import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPeriodic } from '../../src/network-view/periodic.js'
import { manualTiming } from './_timing.js'

const INTERVAL_MS = 600_000

function setup({ firstMs, random }: { firstMs?: number; random?: number } = {}) {
  const time = manualTiming(random)
  const signals: AbortSignal[] = []
  const errors: unknown[] = []
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined
  const periodic = createPeriodic({
    task: (signal) => {
      signals.push(signal)
      return new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
    },
    intervalMs: () => INTERVAL_MS,
    firstMs,
    onError: (error) => void errors.push(error),
    timing: time.timing,
  })
  return {
    ...time,
    ...periodic,
    /** One signal for each task that was begun. */
    signals,
    errors,
    resolve: () =>
      time.round(() => {
        settle?.resolve()
      }),
    reject: (error: Error) =>
      time.round(() => {
        settle?.reject(error)
      }),
    settle: () => {
      settle?.resolve()
    },
  }
}

describe('createPeriodic', () => {
  it('does nothing before it is started', () => {
    const { signals, waits } = setup({ firstMs: 0 })
    expect([signals, waits]).toEqual([[], []])
  })

  it('begins at once where it is told to', () => {
    const { start, signals } = setup({ firstMs: 0 })
    start()
    expect(signals).toHaveLength(1)
  })

  it('begins after the time that is given', () => {
    const { start, waits, ring, signals } = setup({ firstMs: 1_000 })
    start()
    expect([signals.length, waits]).toEqual([0, [1_000]])
    ring()
    expect(signals).toHaveLength(1)
  })

  it('begins after an interval where nothing is given', () => {
    const { start, waits } = setup()
    start()
    expect(waits).toEqual([INTERVAL_MS])
  })

  it('waits an interval from the end of one to the next, so that never two run', async () => {
    const { start, waits, resolve, ring, signals } = setup({ firstMs: 0 })
    start()
    expect(waits).toEqual([])
    await resolve()
    expect([signals.length, waits]).toEqual([1, [INTERVAL_MS]])
    ring()
    expect([signals.length, waits.length]).toEqual([2, 1])
  })

  it('spreads the intervals by a tenth to both sides', () => {
    const noise = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(noise, (random) => {
        const { start, waits } = setup({ random })
        start()
        expect(waits[0]).toBeCloseTo(INTERVAL_MS * (0.9 + 0.2 * random), 3)
      }),
    )
  })

  it('goes on after a rejection, and tells of it', async () => {
    const { start, reject, resolve, ring, errors, signals } = setup({ firstMs: 0 })
    start()
    await reject(new Error('no'))
    expect(errors).toEqual([new Error('no')])
    ring()
    await resolve()
    expect([signals.length, errors.length]).toEqual([2, 1])
  })

  it('goes on after a task that throws at once', async () => {
    const { timing, round, waits } = manualTiming()
    const errors: unknown[] = []
    const task = () => {
      throw new Error('no')
    }
    const onError = (error: unknown) => void errors.push(error)
    const { start } = createPeriodic({ task, intervalMs: () => 10, firstMs: 0, onError, timing })
    await round(start)
    expect([errors, waits]).toEqual([[new Error('no')], [10]])
  })

  it('starts once, however often it is told to', () => {
    const { start, signals } = setup({ firstMs: 0 })
    start()
    start()
    expect(signals).toHaveLength(1)
  })
})

describe('stop', () => {
  it('takes back the timer', () => {
    const { start, stop, isWaiting } = setup()
    start()
    stop()
    expect(isWaiting()).toBe(false)
  })

  it('aborts the task under way, after which nothing comes', async () => {
    const { start, stop, signals, settle, waits } = setup({ firstMs: 0 })
    start()
    expect(signals[0]?.aborted).toBe(false)
    stop()
    expect(signals[0]?.aborted).toBe(true)
    settle()
    await new Promise(setImmediate)
    expect([signals.length, waits]).toEqual([1, []])
  })

  it('makes no error of the rejection of a task that it aborted', async () => {
    const errors: unknown[] = []
    const { start, stop } = createPeriodic({
      task: (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'))
          })
        }),
      intervalMs: () => 10,
      firstMs: 0,
      onError: (error) => void errors.push(error),
      timing: manualTiming().timing,
    })
    start()
    stop()
    await new Promise(setImmediate)
    expect(errors).toEqual([])
  })

  it('is for good', () => {
    const { start, stop, signals } = setup({ firstMs: 0 })
    stop()
    start()
    expect(signals).toHaveLength(0)
  })
})
