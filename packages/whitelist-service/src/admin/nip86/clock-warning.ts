import type { Logger } from '@dstack-node/service-kit'
import type { Clock } from '../../clock.js'

const REPEAT_MS = 60_000
/** A clock is never exactly right; less than this is rounding. */
const BEHIND_MS = 1000

/**
 * For when a token was refused because of its time: says in the log, at most once a minute, that it may be
 * this machine's fault. A clock that was set back is not followed, so tokens look too old or too new.
 */
export function createClockWarning(
  clock: Pick<Clock, 'elapsedMs' | 'behindMs'>,
  log: Logger,
): () => void {
  let lastMs = -Infinity
  return () => {
    const behindMs = Math.round(clock.behindMs())
    if (behindMs <= BEHIND_MS || clock.elapsedMs() - lastMs < REPEAT_MS) return
    lastMs = clock.elapsedMs()
    log.warn(
      { behindMs },
      'the system clock was set back: tokens are refused; restart the service after correcting it',
    )
  }
}
