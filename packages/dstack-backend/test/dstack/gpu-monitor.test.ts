import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GpuReading } from '../../src/dstack/dstack-client.js'
import { createGpuMonitor, type GpuOutcome, type GpuSample } from '../../src/dstack/gpu-monitor.js'
import { fakeClock } from '../_clock.js'
import { recordingLog } from '../_log.js'

const GOOD: GpuReading = { ok: true, gpus: [], allowAttachAll: true }
const FAILED: GpuReading = { ok: false, failure: 'connect', detail: 'ECONNREFUSED' }
const LATE: GpuReading = { ok: false, failure: 'timeout', detail: 'ETIMEDOUT' }
const DEADLINE_MS = 2_500

/** What the VMM does at each call, in turn; then it answers well. A timeout takes as long as it really does. */
async function setup(...readings: GpuReading[]) {
  const clock = fakeClock()
  const { log, lines } = await recordingLog()
  const calls: { startMs: number; endMs: number }[] = []
  let underWay = 0
  let most = 0
  const listGpus = async (): Promise<GpuReading> => {
    const reading = readings.shift() ?? GOOD
    const call = { startMs: clock.now(), endMs: Infinity }
    calls.push(call)
    underWay += 1
    most = Math.max(most, underWay)
    if (reading === LATE) {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, DEADLINE_MS))
    }
    call.endMs = clock.now()
    underWay -= 1
    return reading
  }
  const advise = (reading: GpuReading) => (reading.ok ? '' : `Mend ${reading.failure}.`)
  const monitor = createGpuMonitor({ listGpus, advise, log, clock })
  return {
    clock,
    monitor,
    calls,
    starts: () => calls.map(({ startMs }) => startMs),
    mostAtOnce: () => most,
    logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

/** The sample if it is there at once, without any time passing. */
async function atOnce(asked: Promise<GpuSample>): Promise<GpuSample | undefined> {
  return Promise.race([
    asked,
    fakeClock()
      .advance(0)
      .then(() => undefined),
  ])
}

describe('GpuMonitor.read', () => {
  it('lets a good reading serve for 2 s', async () => {
    const { clock, monitor, starts } = await setup(GOOD)
    await monitor.read()
    await clock.advance(1_999)
    await monitor.read()
    expect(starts()).toEqual([0])
    await clock.advance(1)
    await monitor.read()
    expect(starts()).toEqual([0, 2_000])
  })

  it('lets a failed reading serve for 1 s', async () => {
    const { clock, monitor, starts } = await setup(FAILED)
    expect((await monitor.read()).reading).toBe(FAILED)
    await clock.advance(999)
    expect((await monitor.read()).reading).toBe(FAILED)
    expect(starts()).toEqual([0])
    await clock.advance(1)
    expect((await monitor.read()).reading).toBe(GOOD)
  })

  it('shares one call among all who ask at a time', async () => {
    const { clock, monitor, starts } = await setup(LATE)
    const asked = Array.from({ length: 100 }, () => monitor.read())
    await clock.advance(DEADLINE_MS)
    const samples = await Promise.all(asked)
    expect(new Set(samples).size).toBe(1)
    expect(starts()).toEqual([0])
  })

  it('tells when the sample was taken, how long that took, and what to do', async () => {
    const { clock, monitor } = await setup(LATE)
    await clock.advance(10_000)
    const asked = monitor.read()
    await clock.advance(DEADLINE_MS)
    expect(await asked).toEqual({
      reading: LATE,
      takenAt: new Date(12_500),
      durationMs: DEADLINE_MS,
      advice: 'Mend timeout.',
    })
    await clock.advance(1_000)
    await monitor.read()
    await clock.advance(0)
    expect(await monitor.read()).toEqual({
      reading: GOOD,
      takenAt: new Date(13_500),
      durationMs: 0,
      advice: '',
    })
  })

  it('keeps nobody waiting once a call has timed out, and asks all the same', async () => {
    const { clock, monitor, starts } = await setup(LATE, LATE)
    const first = monitor.read()
    await clock.advance(DEADLINE_MS)
    expect(await atOnce(monitor.read())).toBe(await first)
    await clock.advance(1_000)
    // The next call hangs as well.
    expect(await atOnce(monitor.read())).toBe(await first)
    expect(await atOnce(monitor.read())).toBe(await first)
    expect(starts()).toEqual([0, 3_500])
    await clock.advance(DEADLINE_MS)
    expect((await atOnce(monitor.read()))?.reading).toBe(LATE)
    expect(await atOnce(monitor.read())).not.toBe(await first)
  })

  it('waits again for a call once one has ended in time', async () => {
    const { clock, monitor } = await setup(LATE, FAILED, LATE)
    monitor.start()
    await clock.advance(10_000)
    expect(monitor.latest()?.reading).toBe(FAILED)
    const asked = monitor.read()
    expect(await atOnce(asked)).toBeUndefined()
    await clock.advance(DEADLINE_MS)
    expect((await asked).reading).toBe(LATE)
  })

  it('takes a call that rejects for a failed one, and goes on', async () => {
    const { log, lines } = await recordingLog()
    const clock = fakeClock()
    const errors: unknown[] = [Object.assign(new Error('token abc'), { code: 'EBUG' }), undefined]
    const listGpus = async () => {
      if (errors.length > 0) throw errors.shift()
      return GOOD
    }
    const monitor = createGpuMonitor({ listGpus, advise: () => '', log, clock })
    expect((await monitor.read()).reading).toMatchObject({ ok: false, detail: 'EBUG' })
    await clock.advance(1_000)
    expect((await monitor.read()).reading).toMatchObject({ ok: false, detail: 'unknown' })
    await clock.advance(1_000)
    expect((await monitor.read()).reading).toBe(GOOD)
    expect(lines.join('')).not.toContain('abc')
  })
})

describe('GpuMonitor.start', () => {
  it('takes a sample 1 s later, and then every 15 s, while nobody asks', async () => {
    const { clock, monitor, starts } = await setup(GOOD, FAILED)
    monitor.start()
    await clock.advance(40_000)
    expect(starts()).toEqual([1_000, 16_000, 31_000])
  })

  it('takes the next one 15 s after the latest that somebody asked for', async () => {
    const { clock, monitor, starts } = await setup()
    await monitor.read()
    await clock.advance(500)
    monitor.start()
    await clock.advance(4_500)
    await monitor.read()
    await clock.advance(15_000)
    expect(starts()).toEqual([0, 5_000, 20_000])
  })

  it('heals without anybody asking', async () => {
    const { clock, monitor } = await setup(LATE, LATE, FAILED)
    monitor.start()
    await clock.advance(25_000)
    expect(monitor.latest()?.reading).toBe(GOOD)
  })

  it('leaves a VMM that hangs alone for longer and longer, and begins anew after any answer', async () => {
    const { clock, monitor, calls } = await setup(...Array<GpuReading>(8).fill(LATE), FAILED, LATE)
    monitor.start()
    await clock.advance(200_000)
    const gaps = calls.slice(1).map(({ startMs }, index) => startMs - (calls[index]?.endMs ?? 0))
    expect(gaps.slice(0, 11)).toEqual([
      1_000, 1_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 15_000, 1_000, 15_000,
    ])
  })

  it('asks no sooner because somebody asks', async () => {
    const { clock, monitor, starts } = await setup(...Array<GpuReading>(4).fill(LATE))
    monitor.start()
    for (let second = 0; second < 30; second += 1) {
      void monitor.read()
      await clock.advance(1_000)
    }
    expect(starts()).toEqual([0, 3_500, 7_000, 14_500, 27_000, 29_000])
  })

  it('leaves no timer after stop, not even when a call ends later', async () => {
    const { clock, monitor, starts } = await setup(GOOD, FAILED)
    monitor.start()
    await clock.advance(2_000)
    monitor.stop()
    expect(clock.timers()).toBe(0)
    monitor.start()
    await clock.advance(14_000)
    monitor.stop()
    const asked = monitor.read()
    await asked
    expect(clock.timers()).toBe(0)
    expect(starts()).toHaveLength(2)
  })

  it('sets no timer that would keep the process alive', async () => {
    const before = process.getActiveResourcesInfo().filter((one) => one === 'Timeout')
    const { log } = await recordingLog()
    const monitor = createGpuMonitor({ listGpus: async () => GOOD, advise: () => '', log })
    monitor.start()
    await monitor.read()
    expect(process.getActiveResourcesInfo().filter((one) => one === 'Timeout')).toEqual(before)
    monitor.stop()
  })
})

describe('GpuMonitor', () => {
  it('knows how old a sample is, and when the VMM may be asked again', async () => {
    const { clock, monitor } = await setup(GOOD, LATE, LATE, LATE)
    expect(monitor.retryAfterMs()).toBe(0)
    const sample = await monitor.read()
    await clock.advance(500)
    expect(monitor.ageMs(sample)).toBe(500)
    expect(monitor.retryAfterMs()).toBe(1_500)
    monitor.start()
    await clock.advance(14_500 + 3 * DEADLINE_MS + 2_000 + 1_000)
    expect(monitor.retryAfterMs()).toBe(4_000)
    expect(monitor.ageMs(sample)).toBe(25_500)
    await clock.advance(60_000)
    expect(monitor.retryAfterMs()).toBe(0)
  })

  it('counts the calls by what came of them', async () => {
    const { clock, monitor } = await setup(LATE, LATE, FAILED)
    monitor.start()
    await clock.advance(60_000)
    const expected: [GpuOutcome, number][] = [
      ['timeout', 2],
      ['connect', 1],
      ['ok', 3],
    ]
    expect([...monitor.counts()]).toEqual(expected)
  })

  it('tells everybody who listens of each sample, though one of them fails', async () => {
    const { clock, monitor, logged } = await setup(FAILED)
    const heard: boolean[] = []
    monitor.onSample(() => {
      throw new Error('a mistake')
    })
    monitor.onSample((sample) => heard.push(sample === monitor.latest()))
    await monitor.read()
    await clock.advance(1_000)
    await monitor.read()
    await monitor.read()
    expect(heard).toEqual([true, true])
    expect(logged()).toContainEqual(
      expect.objectContaining({ msg: 'a sample of the GPUs could not be used' }),
    )
  })

  it('logs when the outcome changes, with what to do, and not when it stays', async () => {
    const { clock, monitor, logged } = await setup(FAILED, FAILED, GOOD, GOOD, FAILED)
    for (let call = 0; call < 5; call += 1) {
      await monitor.read()
      await clock.advance(2_000)
    }
    expect(logged().map(({ msg }) => msg)).toEqual([
      'DStack does not answer',
      'DStack answers',
      'DStack does not answer',
    ])
    expect(logged()[0]).toMatchObject({
      level: 'warn',
      failure: 'connect',
      detail: 'ECONNREFUSED',
      next_step: 'Mend connect.',
    })
  })

  it('logs the words of the VMM, but not each time they differ', async () => {
    const said = (words: string): GpuReading => {
      return { ok: false, failure: 'http', detail: 'status 400', status: 400, words }
    }
    const { clock, monitor, logged } = await setup(said('one'), said('two'))
    await monitor.read()
    await clock.advance(1_000)
    await monitor.read()
    expect(logged()).toHaveLength(1)
    expect(logged()[0]).toMatchObject({ failure: 'http', words: 'one' })
  })

  it('logs once that it asks less often, however long that takes', async () => {
    const { clock, monitor, logged } = await setup(...Array<GpuReading>(9).fill(LATE))
    monitor.start()
    await clock.advance(300_000)
    expect(logged().map(({ msg }) => msg)).toEqual([
      'DStack does not answer',
      'DStack hangs: it is asked less and less often until it answers',
      'DStack answers',
    ])
  })
})

describe('GpuMonitor, whatever comes', () => {
  const PAUSES_MS = [1_000, 1_000, 5_000, 10_000, 20_000, 30_000]
  const steps = fc.array(
    fc.oneof(fc.constant('read' as const), fc.integer({ min: 1, max: 9_000 })),
    {
      maxLength: 60,
    },
  )
  const outcomes = fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.constant(LATE) }, fc.constantFrom(GOOD, FAILED)),
    { maxLength: 30 },
  )

  it('never asks twice at a time, keeps its pauses, and never lets a VMM that hangs delay anybody', async () => {
    await fc.assert(
      fc.asyncProperty(outcomes, steps, fc.boolean(), async (readings, todo, isStarted) => {
        const { clock, monitor, calls, mostAtOnce } = await setup(...readings)
        if (isStarted) monitor.start()
        for (const step of todo) {
          if (typeof step === 'number') await clock.advance(step)
          else {
            const before = monitor.latest()?.reading
            const sample = await atOnce(monitor.read())
            if (before === LATE) expect(sample).toBeDefined()
          }
        }
        monitor.stop()
        expect(mostAtOnce()).toBeLessThanOrEqual(1)
        let timeouts = 0
        calls.forEach(({ endMs }, index) => {
          timeouts = (readings[index] ?? GOOD) === LATE ? timeouts + 1 : 0
          const next = calls[index + 1]
          if (timeouts === 0 || next === undefined) return
          const pause = PAUSES_MS[Math.min(timeouts, 6) - 1] ?? 0
          const gap = next.startMs - endMs
          if (isStarted) expect(gap).toBe(pause)
          else expect(gap).toBeGreaterThanOrEqual(pause)
        })
      }),
    )
  })
})
