/** What is loaded now and then. */
export interface Snapshot<T> {
  /** Loads it anew where it no longer serves. */
  read: () => Promise<T>
  /** What `read` would give without loading or waiting; undefined where it would have to. */
  fresh: () => T | undefined
}

/**
 * Shares the results of `load`: concurrent callers wait for one call, and its result serves everybody
 * for `ttlMs` from the moment it came; a rejection only those who waited for it. `now` must never go back.
 */
export function createSnapshot<T>(
  load: () => Promise<T>,
  ttlMs: (value: T) => number,
  now: () => number = () => performance.now(),
): Snapshot<T> {
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

  function serving(): typeof latest {
    return !running && latest && now() < latest.expiresAt ? latest : undefined
  }

  return {
    async read() {
      const kept = serving()
      if (kept) return kept.value
      running ??= reload()
      return running
    },
    fresh: () => serving()?.value,
  }
}
