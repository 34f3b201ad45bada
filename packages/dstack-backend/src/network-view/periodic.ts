import { setSystemTimer, type SetTimer } from '../alarm.js'

/** Time and chance, handed in so that tests decide them. */
export interface Timing {
  setTimer: SetTimer
  /** From 0 to just below 1. */
  random: () => number
}

/** Something that is done again and again. */
export interface Periodic {
  /** Begins; once only. */
  start: () => void
  /** Ends it for good, and aborts what is under way. */
  stop: () => void
}

export interface PeriodicOptions {
  /** What is done; its signal is aborted by `stop`. */
  task: (signal: AbortSignal) => Promise<void>
  /** From the end of one to the beginning of the next, in milliseconds, give or take a tenth. */
  intervalMs: () => number
  /** From the start to the first, in milliseconds; 0 for at once; an interval unless it is given. */
  firstMs?: number | undefined
  /** Hears why a task rejected, which does not end the row; not of one that was aborted. */
  onError: (error: unknown) => void
  timing?: Timing | undefined
}

/** So far from the interval at most, as a part of it: machines that start together don't ask together for ever. */
const SPREAD = 0.1

const systemTiming: Timing = { setTimer: setSystemTimer, random: Math.random }

/** Runs a task again and again, never two at a time. */
export function createPeriodic(options: PeriodicOptions): Periodic {
  const { task, intervalMs, firstMs, onError, timing = systemTiming } = options
  let phase: 'new' | 'running' | 'stopped' = 'new'
  /** Ends what is under way, be it the wait or the task. */
  let end: () => void = () => undefined

  function wait(milliseconds: number): void {
    end = timing.setTimer(() => void run(), milliseconds)
  }
  function waitForNext(): void {
    wait(intervalMs() * (1 + SPREAD * (2 * timing.random() - 1)))
  }
  async function run(): Promise<void> {
    const controller = new AbortController()
    end = () => {
      controller.abort()
    }
    try {
      await task(controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) onError(error)
    }
    if (phase === 'running') waitForNext()
  }
  return {
    start: () => {
      if (phase !== 'new') return
      phase = 'running'
      if (firstMs === undefined) waitForNext()
      else if (firstMs === 0) void run()
      else wait(firstMs)
    },
    stop: () => {
      phase = 'stopped'
      end()
    },
  }
}
