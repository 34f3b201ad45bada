import { createClock, type Clock } from '../src/clock.js'

/** A clock in the hands of a test: time passes, and the system's clock jumps. */
export interface SimulatedClock extends Clock {
  pass: (seconds: number) => void
  /** Sets the system's clock ahead, or back. */
  jump: (seconds: number) => void
  nowSeconds: () => number
}

export function simulateClock(startSeconds = 1_800_000_000): SimulatedClock {
  let wallMs = startSeconds * 1000
  // Nothing starts counting at zero.
  let elapsedMs = 123_456.75
  const clock = createClock({ wallMs: () => wallMs, elapsedMs: () => elapsedMs })
  return {
    ...clock,
    pass: (seconds) => {
      wallMs += seconds * 1000
      elapsedMs += seconds * 1000
    },
    jump: (seconds) => {
      wallMs += seconds * 1000
    },
    nowSeconds: () => Math.floor(clock.nowMs() / 1000),
  }
}
