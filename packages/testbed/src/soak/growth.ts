import { median, type Measurement } from '../bench/measurement.js'
import type { Vitals } from './vitals.js'

type Vital = Exclude<keyof Vitals, 'atS'>

const MEMORY_MB = 10
const MEMORY_PERCENT = 10
const HEAP_MB = 2
/** Clients come and go: a few more or less are under way at any moment. */
const FEW = 2

/** How much a figure has grown: the medians of the first and of the last third, and their difference. */
export function growthOf(vitals: readonly Vitals[], vital: Vital) {
  const third = Math.ceil(vitals.length / 3)
  const values = vitals.map((one) => one[vital])
  const first = median(values.slice(0, third))
  const last = median(values.slice(-third))
  return { first, last, growth: last - first }
}

/** Whether a process grew under a load that did not: `vitals` are those of it, once it had warmed up. */
export function judgeGrowth(vitals: readonly Vitals[]): Measurement[] {
  const resident = growthOf(vitals, 'residentMb')
  const line = (name: string, vital: Vital, unit: string, limit: number): Measurement => {
    const { first, last, growth } = growthOf(vitals, vital)
    const what = `${name}: growth (${round(first)} → ${round(last)})`
    return { what, value: growth, unit, limit }
  }
  return [
    line('resident memory', 'residentMb', 'MB', MEMORY_MB),
    {
      what: 'resident memory: growth in percent',
      value: (resident.growth * 100) / resident.first,
      unit: '%',
      limit: MEMORY_PERCENT,
    },
    line('heap after a collection', 'heapMb', 'MB', HEAP_MB),
    line('open files', 'files', 'files', FEW),
    line('sockets', 'sockets', 'sockets', FEW),
    line('timers', 'timers', 'timers', FEW),
  ]
}

/** What is left of a load once all clients have gone, compared to before they came. */
export function judgeRest(before: Vitals, after: Vitals): Measurement[] {
  return (['files', 'sockets', 'timers'] as const).map((vital) => ({
    what: `${vital} left behind (${before[vital]} → ${after[vital]})`,
    value: after[vital] - before[vital],
    unit: vital,
    limit: 0,
  }))
}

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}
