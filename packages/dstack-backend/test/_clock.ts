import { setImmediate as turn } from 'node:timers/promises'

/** A clock that a test moves. */
export interface FakeClock {
  now: () => number
  date: () => Date
  setTimer: (callback: () => void, milliseconds: number) => () => void
  /** Lets so much time pass, and everything happen that was to happen in it. */
  advance: (milliseconds: number) => Promise<void>
  /** How many timers are set. */
  timers: () => number
}

export function fakeClock(): FakeClock {
  const timers = new Set<{ at: number; callback: () => void }>()
  let time = 0
  return {
    now: () => time,
    date: () => new Date(time),
    setTimer(callback, milliseconds) {
      const timer = { at: time + milliseconds, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(milliseconds) {
      const end = time + milliseconds
      await turn()
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        timers.delete(next)
        time = next.at
        next.callback()
        await turn()
      }
      time = end
    },
    timers: () => timers.size,
  }
}
