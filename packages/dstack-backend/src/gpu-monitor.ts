import type { Logger } from '@dstack-node/service-kit'
import type { GpuReading, ListGpus } from './dstack-client.js'
import { createSnapshot } from './snapshot.js'

/** How long a good and a failed reading serve. Each call costs the VMM a process, so callers share. */
const GOOD_MS = 2_000
const FAILED_MS = 1_000

/** Reads the GPUs through a short-lived snapshot, one call at a time; logs when the outcome changes. */
export function createGpuMonitor(
  listGpus: ListGpus,
  log: Logger,
  now?: () => number,
): () => Promise<GpuReading> {
  let previous: string | undefined
  async function load(): Promise<GpuReading> {
    const reading = await listGpus()
    const outcome = reading.ok ? 'ok' : reading.failure
    if (outcome !== previous) logChange(log, reading)
    previous = outcome
    return reading
  }
  return createSnapshot(load, ({ ok }) => (ok ? GOOD_MS : FAILED_MS), now)
}

function logChange(log: Logger, reading: GpuReading): void {
  if (reading.ok) log.info({ gpus: reading.gpus.length }, 'DStack answers')
  else log.warn({ failure: reading.failure, detail: reading.detail }, 'DStack does not answer')
}
