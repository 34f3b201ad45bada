import { setImmediate as turn } from 'node:timers/promises'

/** Time that jumps from one thing that was to happen to the next: hours pass in a moment. */
export interface SimulatedTime {
  now: () => number
  sleep: (milliseconds: number) => Promise<void>
  setTimer: (callback: () => void, milliseconds: number) => () => void
  /** Lets everything happen, up to a moment, in its order. */
  runUntil: (endMs: number) => Promise<void>
}

interface Event {
  atMs: number
  happen: () => void
}

export function simulateTime(): SimulatedTime {
  /** What is to happen, the next last. */
  const events: Event[] = []
  let nowMs = 0

  function setTimer(happen: () => void, milliseconds: number): () => void {
    const event = { atMs: nowMs + milliseconds, happen }
    events.splice(placeOf(event, events), 0, event)
    return () => {
      const index = events.indexOf(event)
      if (index >= 0) events.splice(index, 1)
    }
  }
  return {
    now: () => nowMs,
    sleep: (milliseconds) => new Promise((resolve) => setTimer(resolve, milliseconds)),
    setTimer,
    async runUntil(endMs) {
      await turn()
      for (let next = events.pop(); next; next = events.pop()) {
        if (next.atMs > endMs) {
          events.push(next)
          break
        }
        nowMs = next.atMs
        next.happen()
        // Whatever waited for it goes on first.
        await turn()
      }
      nowMs = endMs
    },
  }
}

/** Where an event belongs: before those that are sooner, behind those of the same moment. */
function placeOf({ atMs }: Event, events: readonly Event[]): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.atMs ?? 0) > atMs) low = middle + 1
    else high = middle
  }
  return low
}

/** Chance that is the same each time (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
