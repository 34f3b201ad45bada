import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/network-view/observation.js'
import { createWatch, type Outcome } from '../../src/network-view/watch.js'
import { recordingLog } from '../_log.js'
import { manualTiming } from './_timing.js'

/** A watch that learns these things, one after the other; an Error is thrown. */
async function setup(outcomes: (Outcome<number> | Error)[], initial: Observation<number> = {}) {
  const time = manualTiming()
  const { log, lines } = await recordingLog()
  const changes: Observation<number>[] = []
  const clock = { now: new Date(1_000) }
  const watch = createWatch<number>({
    ask: async () => {
      const outcome = outcomes.shift() ?? new Error('asked too often')
      if (outcome instanceof Error) throw outcome
      return outcome
    },
    initial,
    describe: (value) => `it is ${value}`,
    isGood: (value) => value > 0,
    retryMs: 1_000,
    firstMs: 0,
    log,
    now: () => clock.now,
    timing: time.timing,
  })
  watch.onChange((state) => void changes.push(state))
  const messages = () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  return { ...time, watch, changes, clock, lines, messages }
}

const AT = new Date(1_000)

describe('createWatch', () => {
  it('begins with what is known already', async () => {
    const initial = { answer: { value: 1, at: AT } }
    expect((await setup([], initial)).watch.state()).toBe(initial)
  })

  it('keeps each answer with its time, changed or not', async () => {
    const { watch, round, clock } = await setup([{ value: 1 }, { value: 1 }])
    await round(watch.start)
    expect(watch.state()).toEqual({ answer: { value: 1, at: AT } })
    clock.now = new Date(2_000)
    await round()
    expect(watch.state()).toEqual({ answer: { value: 1, at: new Date(2_000) } })
  })

  it('keeps the last answer beside a problem, and forgets the problem with the next answer', async () => {
    const { watch, round } = await setup([{ value: 1 }, { problem: 'why' }, { value: 1 }])
    await round(watch.start)
    await round()
    expect(watch.state()).toEqual({ answer: { value: 1, at: AT }, problem: 'why' })
    await round()
    expect(watch.state()).toEqual({ answer: { value: 1, at: AT } })
  })

  it('asks sooner again while there is a problem', async () => {
    const { watch, round, waits } = await setup([{ value: 1 }, { problem: 'why' }, { value: 1 }])
    await round(watch.start)
    await round()
    await round()
    expect(waits).toEqual([600_000, 1_000, 600_000])
  })

  it('logs the first answer where it is good news, and leaves the rest to the warnings', async () => {
    const levels = async (...outcomes: Outcome<number>[]) => {
      const { watch, round, lines } = await setup([...outcomes])
      await round(watch.start)
      for (let times = 1; times < outcomes.length; times += 1) await round()
      return lines.map((line) => (JSON.parse(line) as { level: string }).level)
    }
    expect(await levels({ value: 1 }, { value: -1 }, { value: 1 })).toEqual([
      'info',
      'debug',
      'debug',
    ])
    expect(await levels({ value: -1 })).toEqual(['debug'])
    expect(await levels({ problem: 'why' }, { value: 1 })).toEqual(['debug', 'debug'])
  })

  it('has a problem and no answer where the first question brings none', async () => {
    const { watch, round } = await setup([{ problem: 'why' }])
    await round(watch.start)
    expect(watch.state()).toEqual({ problem: 'why' })
  })

  it('tells and logs each change once', async () => {
    const { watch, round, changes, messages } = await setup([
      { value: 1 },
      { value: 1 },
      { problem: 'why' },
      { problem: 'why' },
      { value: 1 },
      { value: 2 },
    ])
    await round(watch.start)
    for (let index = 1; index < 6; index += 1) await round()
    expect(messages()).toEqual(['it is 1', 'why', 'it is 1', 'it is 2'])
    expect(changes.map(({ problem, answer }) => problem ?? answer?.value)).toEqual([1, 'why', 1, 2])
  })

  it('makes no change of a first answer that was known already', async () => {
    const initial = { answer: { value: 1, at: new Date(0) } }
    const { watch, round, changes, messages } = await setup([{ value: 1 }], initial)
    await round(watch.start)
    expect([changes, messages()]).toEqual([[], []])
    expect(watch.state().answer?.at).toEqual(AT)
  })

  it('asks again about every ten minutes', async () => {
    const { watch, round, waits } = await setup([{ value: 1 }])
    await round(watch.start)
    expect(waits).toEqual([600_000])
  })

  it('survives a defect: keeps the state, logs it and asks again', async () => {
    const { watch, round, messages } = await setup([
      { value: 1 },
      new Error('a defect'),
      { value: 2 },
    ])
    await round(watch.start)
    await round()
    expect(watch.state().answer?.value).toBe(1)
    await round()
    expect(watch.state().answer?.value).toBe(2)
    expect(messages()).toEqual(['it is 1', 'asking failed; it is tried again', 'it is 2'])
  })
})
