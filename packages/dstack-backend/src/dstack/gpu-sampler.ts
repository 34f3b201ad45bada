import { errorCode, type Logger } from '@dstack-node/service-kit'
import type { DstackFailure, GpuReading, ListGpus } from './dstack-client.js'

/** What the VMM said, when, and what to do about it. */
export interface GpuSample {
  reading: GpuReading
  takenAt: Date
  /** How long the call took, in milliseconds. */
  durationMs: number
  /** The sentence with the next step for a reading that failed; empty for a good one. */
  advice: string
}

/** What came of a call. */
export type GpuOutcome = 'ok' | DstackFailure

/** Whom to ask, who knows what to do where that fails, and what time it is. */
export interface SamplerOptions {
  listGpus: ListGpus
  /** The sentence with the next step for a reading that failed; empty for a good one. */
  advise: (reading: GpuReading) => string
  log: Logger
  clock: {
    /** Milliseconds that only ever grow. */
    now: () => number
    /** The time of day. */
    date: () => Date
  }
}

/** Makes samples of what the VMM says. */
export interface GpuSampler {
  /** Asks the VMM once. Never rejects. */
  take: () => Promise<GpuSample>
  /** How old a sample is, in milliseconds that no change of the clock touches. */
  ageMs: (sample: GpuSample) => number
  /** How many calls ended in which way. */
  counts: () => ReadonlyMap<GpuOutcome, number>
}

/** A sampler, which does not mind when it is used. */
export function createGpuSampler({ listGpus, advise, log, clock }: SamplerOptions): GpuSampler {
  const takenMs = new WeakMap<GpuSample, number>()
  const counts = new Map<GpuOutcome, number>()
  return {
    async take() {
      const startedMs = clock.now()
      const reading = await ask(listGpus, log)
      const endedMs = clock.now()
      const sample = {
        reading,
        takenAt: clock.date(),
        durationMs: endedMs - startedMs,
        advice: advise(reading),
      }
      takenMs.set(sample, endedMs)
      const outcome = outcomeOf(reading)
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      return sample
    },
    ageMs: (sample) => clock.now() - (takenMs.get(sample) ?? clock.now()),
    counts: () => counts,
  }
}

/** What came of the call that a reading is from. */
export function outcomeOf(reading: GpuReading): GpuOutcome {
  return reading.ok ? 'ok' : reading.failure
}

/** Asks once. A rejection is a mistake in here; to those who ask it is a reading that failed. */
async function ask(listGpus: ListGpus, log: Logger): Promise<GpuReading> {
  try {
    return await listGpus()
  } catch (error) {
    const detail = errorCode(error)
    log.error({ detail }, 'asking DStack failed unexpectedly')
    return { ok: false, failure: 'connect', detail }
  }
}
