import { readdir } from 'node:fs/promises'
import type { Living } from './probe.js'

/** How a process is at one moment. */
export interface Vitals {
  /** Since the load began, in seconds. */
  atS: number
  residentMb: number
  /** After a garbage collection. */
  heapMb: number
  /** Open files and sockets. */
  files: number
  timers: number
  sockets: number
}

/** Where to look. */
export interface Observed {
  pid: number
  /** The URL of the probe in it. */
  probe: string
}

/** Looks at a process. */
export async function readVitals({ pid, probe }: Observed, atS: number): Promise<Vitals> {
  const living = (await (await fetch(probe)).json()) as Living
  const files = await readdir(`/proc/${pid}/fd`)
  return {
    atS,
    residentMb: living.residentBytes / 1e6,
    heapMb: living.heapBytes / 1e6,
    files: files.length,
    timers: living.timers,
    sockets: living.sockets,
  }
}

/** Whether nothing is open in a process that was not open in it before. */
export function isSettled(now: Vitals, before: Vitals): boolean {
  return (['files', 'timers', 'sockets'] as const).every((name) => now[name] <= before[name])
}

/** One line for whoever waits. */
export function describeVitals({
  atS,
  residentMb,
  heapMb,
  files,
  timers,
  sockets,
}: Vitals): string {
  return (
    `${String(Math.round(atS)).padStart(5)} s  resident ${residentMb.toFixed(1)} MB  ` +
    `heap ${heapMb.toFixed(1)} MB  files ${files}  sockets ${sockets}  timers ${timers}`
  )
}
