import type { Gpu } from '../dstack/dstack-client.js'
import type { GpuMonitor } from '../dstack/gpu-monitor.js'

/** Samples come every 15 s, or every 32 s while DStack hangs: one that is older tells nothing of now. */
export const FRESH_MS = 60_000

/** The GPUs of the latest sample; undefined unless it is a good one and young enough to tell of now. */
export function freshGpus(monitor: Pick<GpuMonitor, 'latest' | 'ageMs'>): Gpu[] | undefined {
  const sample = monitor.latest()
  if (sample?.reading.ok !== true || monitor.ageMs(sample) > FRESH_MS) return undefined
  return sample.reading.gpus
}
