/** Each timed-out call leaves one of the VMM's 8 workers stuck until its `lspci` returns. */
const PAUSES_MS = [1_000, 1_000, 5_000, 10_000, 20_000, 30_000]

/** The timeout in a row from which on the VMM is asked less often. */
export const PAUSE_FROM = 3

/** How many calls in a row have timed out, after one more that ended as `outcome`. */
export function countTimeouts(before: number, outcome: string): number {
  return outcome === 'timeout' ? before + 1 : 0
}

/** How long after the last of so many timeouts in a row the next call may start, in milliseconds. */
export function pauseMs(timeouts: number): number {
  return PAUSES_MS[Math.min(timeouts, PAUSES_MS.length) - 1] ?? 0
}
