/** What is done every ten minutes is done every six seconds then: a soak would see it once otherwise. */
const FACTOR = 100
const LONG_MS = 5 * 60_000

/** Lets those timers ring a hundred times as soon that are set for five minutes or more. */
export function shortenLongWaits(target: { setTimeout: typeof setTimeout }): void {
  const original = target.setTimeout
  const shortened = (callback: () => void, milliseconds?: number, ...rest: unknown[]) => {
    const wait = milliseconds ?? 0
    return original(callback, wait >= LONG_MS ? wait / FACTOR : wait, ...(rest as []))
  }
  // Node's own additions, such as the form of it that gives a promise.
  target.setTimeout = Object.defineProperties(
    shortened,
    Object.getOwnPropertyDescriptors(original),
  ) as typeof setTimeout
}
