import { describe, expect, it } from 'vitest'
import { isKept } from '../../src/bench/measurement.js'
import { growthOf, judgeGrowth, judgeRest } from '../../src/soak/growth.js'
import type { Vitals } from '../../src/soak/vitals.js'

const NORMAL: Omit<Vitals, 'atS'> = {
  residentMb: 80,
  heapMb: 12,
  files: 30,
  timers: 20,
  sockets: 15,
}

/** A process that is looked at 90 times; `at` tells what is another than usual. */
function watched(at: (index: number) => Partial<Vitals> = () => ({})): Vitals[] {
  return Array.from({ length: 90 }, (_, index) => ({ atS: index, ...NORMAL, ...at(index) }))
}

/** The beginnings of the lines whose limit is not kept. */
function notKept(vitals: readonly Vitals[]): string[] {
  return judgeGrowth(vitals)
    .filter((measurement) => !isKept(measurement))
    .map(({ what }) => what.split(':', 1)[0] ?? '')
}

describe('growthOf', () => {
  it('compares the medians of the first and the last third', () => {
    const values = [1, 9, 2, 5, 5, 5, 4, 6, 90]
    const vitals = values.map((files, atS) => ({ ...NORMAL, atS, files }))
    expect(growthOf(vitals, 'files')).toEqual({ first: 2, last: 6, growth: 4 })
  })
})

describe('judgeGrowth', () => {
  it('is content with a process that stays as it is', () => {
    expect(notKept(watched())).toEqual([])
  })

  it('is content with one that shrinks', () => {
    expect(notKept(watched((index) => ({ residentMb: 80 - index / 10, files: 30 })))).toEqual([])
  })

  it('is content with single moments that are another', () => {
    expect(notKept(watched((index) => (index % 10 ? {} : { residentMb: 300, files: 99 })))).toEqual(
      [],
    )
  })

  it.each([
    ['resident memory', { residentMb: 0.3 }],
    ['heap after a collection', { heapMb: 0.05 }],
    ['open files', { files: 0.1 }],
    ['sockets', { sockets: 0.1 }],
    ['timers', { timers: 0.1 }],
  ] as const)('finds that of %s, if slow', (name, perLook) => {
    const grown = watched((index) =>
      Object.fromEntries(
        Object.entries(perLook).map(([vital, each]) => [
          vital,
          NORMAL[vital as keyof typeof NORMAL] + Math.floor(index * each * 100) / 100,
        ]),
      ),
    )
    expect([...new Set(notKept(grown))]).toEqual([name])
  })

  it('finds a tenth more memory, even where that is little', () => {
    const small = watched((index) => ({ residentMb: 30 + index / 15 }))
    expect(notKept(small)).toEqual(['resident memory'])
  })

  it('says of what to what it grew', () => {
    const [line] = judgeGrowth(watched((index) => ({ residentMb: index < 45 ? 80 : 81.5 })))
    expect(line).toEqual({
      what: 'resident memory: growth (80 → 81.5)',
      value: 1.5,
      unit: 'MB',
      limit: 10,
    })
  })
})

describe('judgeRest', () => {
  const before: Vitals = { atS: 0, ...NORMAL }

  it('is content where nothing is left, and where less is open than before', () => {
    expect(judgeRest(before, before).every(isKept)).toBe(true)
    expect(judgeRest(before, { ...before, files: 29, timers: 0 }).every(isKept)).toBe(true)
  })

  it.each(['files', 'sockets', 'timers'] as const)('finds a single one of %s left', (vital) => {
    const lines = judgeRest(before, { ...before, [vital]: before[vital] + 1 })
    expect(lines.filter((line) => !isKept(line))).toMatchObject([{ value: 1, unit: vital }])
  })
})
