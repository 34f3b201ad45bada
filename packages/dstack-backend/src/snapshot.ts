/**
 * Shares the results of `load`: concurrent callers wait for one call, and its result serves everybody
 * for `ttlMs` from the moment it came. `load` must not reject; `now` must never go back.
 */
export function createSnapshot<T>(
  load: () => Promise<T>,
  ttlMs: (value: T) => number,
  now: () => number = () => performance.now(),
): () => Promise<T> {
  let running: Promise<T> | undefined
  let latest: { value: T; expiresAt: number } | undefined

  async function reload(): Promise<T> {
    const value = await load()
    latest = { value, expiresAt: now() + ttlMs(value) }
    running = undefined
    return value
  }

  return () => {
    if (running) return running
    if (latest && now() < latest.expiresAt) return Promise.resolve(latest.value)
    running = reload()
    return running
  }
}
