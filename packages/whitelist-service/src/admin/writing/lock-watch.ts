import type { LockSighting } from './lock-file.js'
import { isGone, parseOwner } from './lock-owner.js'

/**
 * Tells of a lock that is looked at again and again whether it can be taken over: its owner is gone, or gave
 * no sign of life for `staleMs`. The times of files count for nothing in that: another machine's clock may
 * show anything, so all that matters is whether they change.
 */
export function createLockWatch(
  staleMs: number,
  elapsedMs: () => number = () => performance.now(),
): (seen: LockSighting) => Promise<boolean> {
  let stamp: string | undefined
  let since = 0
  return async (seen) => {
    if (seen.stamp !== stamp) since = elapsedMs()
    stamp = seen.stamp
    if (elapsedMs() - since >= staleMs) return true
    const owner = parseOwner(seen.identity)
    return owner !== undefined && isGone(owner)
  }
}
