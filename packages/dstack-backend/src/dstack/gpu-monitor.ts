import { createAlarm, setSystemTimer, type SetTimer } from '../alarm.js'
import { countTimeouts, pauseMs } from './call-pause.js'
import { createOutcomeLog } from './gpu-outcome-log.js'
import {
  createGpuSampler,
  outcomeOf,
  type GpuOutcome,
  type GpuSample,
  type GpuSampler,
  type SamplerOptions,
} from './gpu-sampler.js'

export type { GpuOutcome, GpuSample } from './gpu-sampler.js'

/** Asks the VMM as seldom as it can, and knows what it said last. */
export interface GpuMonitor extends Omit<GpuSampler, 'take'> {
  /** A sample fresh enough to answer with or, while the VMM hangs, the last one; never rejects. */
  read: () => Promise<GpuSample>
  /** The latest sample, whatever its age; undefined before the first. */
  latest: () => GpuSample | undefined
  /** How long until the VMM may be asked again, in milliseconds; 0 where it may be now. */
  retryAfterMs: () => number
  /** Calls back with each new sample. */
  onSample: (listener: (sample: GpuSample) => void) => void
  /** Takes samples also while nobody asks, until `stop`. */
  start: () => void
  stop: () => void
}

/** What the samples are made with; the clock is the system's unless a test brings its own. */
export interface GpuMonitorOptions extends Omit<SamplerOptions, 'clock'> {
  clock?: SamplerOptions['clock'] & { setTimer: SetTimer }
}

/** How long a good and a failed reading serve. Each call costs the VMM a process, so callers share. */
const GOOD_MS = 2_000
const FAILED_MS = 1_000
/** While nobody asks: when the first sample is taken, and each next one. */
const FIRST_MS = 1_000
const IDLE_MS = 15_000

const systemClock = {
  now: () => performance.now(),
  date: () => new Date(),
  setTimer: setSystemTimer,
}

/**
 * Reads the GPUs with one call at a time, whose result serves all who ask within a short while. Once a
 * call has timed out nobody waits for the next ones, which come later and later until one ends in time.
 */
export function createGpuMonitor(options: GpuMonitorOptions): GpuMonitor {
  const { log, clock = systemClock } = options
  const sampler = createGpuSampler({ ...options, clock })
  const logOutcome = createOutcomeLog(log)
  const alarm = createAlarm(() => void (running ?? begin()), clock.setTimer)
  const listeners: ((sample: GpuSample) => void)[] = []
  let running: Promise<GpuSample> | undefined
  let latest: GpuSample | undefined
  let timeouts = 0
  let expiresMs = 0

  function begin(): Promise<GpuSample> {
    running = sampler.take().then(keep)
    return running
  }

  function keep(sample: GpuSample): GpuSample {
    const outcome = outcomeOf(sample.reading)
    timeouts = countTimeouts(timeouts, outcome)
    expiresMs = clock.now() + serveMs(outcome, timeouts)
    latest = sample
    running = undefined
    setAlarm()
    logOutcome(sample, timeouts)
    for (const listener of listeners) tell(listener, sample)
    return sample
  }

  function setAlarm(): void {
    if (!latest) alarm.set(FIRST_MS)
    else if (timeouts > 0) alarm.set(retryAfterMs())
    else alarm.set(Math.max(0, IDLE_MS - sampler.ageMs(latest)))
  }

  function retryAfterMs(): number {
    return Math.max(0, expiresMs - clock.now())
  }

  function tell(listener: (sample: GpuSample) => void, sample: GpuSample): void {
    try {
      listener(sample)
    } catch (err) {
      log.error({ err }, 'a sample of the GPUs could not be used')
    }
  }

  return {
    async read() {
      if (latest && retryAfterMs() > 0) return latest
      const next = running ?? begin()
      return timeouts > 0 && latest ? latest : next
    },
    latest: () => latest,
    ageMs: sampler.ageMs,
    counts: sampler.counts,
    retryAfterMs,
    onSample: (listener) => void listeners.push(listener),
    start() {
      alarm.start()
      if (!running) setAlarm()
    },
    stop: alarm.stop,
  }
}

/** How long the result of a call serves; after timeouts, how long the VMM is left alone. */
function serveMs(outcome: GpuOutcome, timeouts: number): number {
  if (outcome === 'timeout') return pauseMs(timeouts)
  return outcome === 'ok' ? GOOD_MS : FAILED_MS
}
