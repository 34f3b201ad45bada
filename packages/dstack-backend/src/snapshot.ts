/**
 * Shares the results of `load`: concurrent callers wait for one call, and its result serves everybody
 * for `ttlMs` from the moment it came; a rejection only those who waited for it. `now` must never go back.
 */
export function createSnapshot<T>(
  load: () => Promise<T>,
  ttlMs: (value: T) => number,
  now: () => number = () => performance.now(),
): () => Promise<T> {
  let running: Promise<T> | undefined
  let latest: { value: T; expiresAt: number } | undefined

  async function reload(): Promise<T> {
    try {
      const value = await load()
      latest = { value, expiresAt: now() + ttlMs(value) }
      return value
    } finally {
      running = undefined
    }
  }

  return () => {
    if (running) return running
    if (latest && now() < latest.expiresAt) return Promise.resolve(latest.value)
    running = reload()
    return running
  }
}
