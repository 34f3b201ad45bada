/** The time, as far as it can be trusted. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs: () => number
  /** What `nowMs` will never be behind again. */
  floorMs: () => number
  /** Milliseconds since this clock was made, which only ever grow. */
  elapsedMs: () => number
  /** How far the system's clock was set back since; below about a second it is rounding. */
  behindMs: () => number
}

interface ClockSources {
  wallMs?: () => number
  elapsedMs?: () => number
}

/**
 * The system's clock, but never behind where the time since the start puts it: when it is set back, no
 * key that has expired is let in again and no used token revives. It follows a jump forward, and back
 * from there too, so that a mistake which is corrected heals without a restart.
 */
export function createClock(sources: ClockSources = {}): Clock {
  const { wallMs = () => Date.now(), elapsedMs = () => performance.now() } = sources
  const startWallMs = wallMs()
  const startElapsedMs = elapsedMs()
  const sinceStartMs = () => elapsedMs() - startElapsedMs
  const floorMs = () => Math.floor(startWallMs + sinceStartMs())
  return {
    nowMs: () => Math.max(wallMs(), floorMs()),
    floorMs,
    elapsedMs: sinceStartMs,
    behindMs: () => Math.max(0, floorMs() - wallMs()),
  }
}
