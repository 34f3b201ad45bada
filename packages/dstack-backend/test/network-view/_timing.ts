import type { Timing } from '../../src/network-view/periodic.js'

/** Time that stands still until a test lets the timer ring. */
export function manualTiming(random = 0.5) {
  let pending: (() => void) | undefined
  let onSet: () => void = () => undefined
  const waits: number[] = []
  const nextTimer = () => new Promise<void>((resolve) => (onSet = resolve))
  const timing: Timing = {
    setTimer: (callback, milliseconds) => {
      waits.push(milliseconds)
      pending = callback
      onSet()
      return () => {
        if (pending === callback) pending = undefined
      }
    },
    random: () => random,
  }
  /** Lets the timer ring. */
  const ring = () => {
    const callback = pending
    pending = undefined
    callback?.()
  }
  return {
    timing,
    /** How long each timer was to wait, in milliseconds. */
    waits,
    isWaiting: () => pending !== undefined,
    ring,
    /** Does what starts a round, and waits until the round is over. */
    round: async (begin: () => void = ring) => {
      const set = nextTimer()
      begin()
      await set
    },
  }
}
