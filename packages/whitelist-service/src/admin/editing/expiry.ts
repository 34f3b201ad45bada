import { formatTime } from '../../time-text.js'

const LAST_SECOND = 253_402_300_799

/**
 * What becomes of a key's `expires_at` when the key is let in: a new one, given in seconds since 1970,
 * takes its place unless it means the same; without one, it goes when it has passed.
 */
export function expiryAfter(old: unknown, expiresAt: number | undefined, now: Date): unknown {
  const seconds = secondsOf(old)
  if (expiresAt !== undefined) return seconds === expiresAt ? old : spellExpiry(expiresAt)
  return seconds !== undefined && now.getTime() >= seconds * 1000 ? undefined : old
}

function spellExpiry(expiresAt: number): string {
  if (!Number.isInteger(expiresAt) || expiresAt < 0 || expiresAt > LAST_SECOND) {
    throw new RangeError('an expiry must be whole seconds since 1970')
  }
  return formatTime(expiresAt)
}

/** Of a valid file: a number, or a text that says the day, the time and the offset. */
function secondsOf(expiry: unknown): number | undefined {
  if (typeof expiry === 'number') return expiry
  return typeof expiry === 'string' ? Math.floor(Date.parse(expiry) / 1000) : undefined
}
