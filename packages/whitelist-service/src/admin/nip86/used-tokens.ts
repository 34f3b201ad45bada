import type { Clock } from '../../clock.js'
import { TOKEN_WINDOW_SECONDS, type Nip98Token } from '../../nip98.js'

/** What came of claiming a token; only `claimed` lets its request through. */
export type TokenClaim =
  | 'claimed'
  | 'used'
  /** Too many tokens are remembered. */
  | 'full'
  /** It may have been used before a restart, which nobody remembers. */
  | 'before_start'
  /** It ran out since it was verified. */
  | 'out_of_window'

/** The tokens that were used already. */
export interface UsedTokens {
  /** Takes a token for the one time that it works. Only for one that is valid and allowed. */
  claim: (token: Pick<Nip98Token, 'id' | 'createdAt'>) => TokenClaim
}

interface Held {
  /** When the token is out of its window. */
  endMs: number
  /** The same for whatever the clock does, by the time that passes: from 60 s ahead to 61 s behind. */
  endElapsedMs: number
}

const HELD_SECONDS = 2 * TOKEN_WINDOW_SECONDS + 1

/**
 * Remembers every used token for as long as it could be used again, even when the clock jumps. Memory is
 * bounded: when it is full of tokens that could be used again, new ones are refused.
 */
export function createUsedTokens({
  clock,
  capacity = 10_000,
}: {
  clock: Clock
  capacity?: number
}): UsedTokens {
  const startSeconds = Math.floor(clock.nowMs() / 1000)
  const held = new Map<string, Held>()

  function isOver({ endMs, endElapsedMs }: Held, nowMs: number): boolean {
    return nowMs >= endMs && clock.elapsedMs() >= endElapsedMs
  }

  /** They come nearly in the order of their times, so those at the front are enough. */
  function forgetOldest(): void {
    for (const [id, token] of held) {
      // By the floor, which the clock can't go behind again, wherever it jumps.
      if (!isOver(token, clock.floorMs())) return
      held.delete(id)
    }
  }

  /** For when memory is short: a clock that jumped ahead, and stays, would hold tokens for too long. */
  function forgetAllOver(): void {
    for (const [id, token] of held) if (isOver(token, clock.nowMs())) held.delete(id)
  }

  function claim({ id, createdAt }: Pick<Nip98Token, 'id' | 'createdAt'>): TokenClaim {
    if (createdAt < startSeconds) return 'before_start'
    const ageSeconds = Math.floor(clock.nowMs() / 1000) - createdAt
    if (!(Math.abs(ageSeconds) <= TOKEN_WINDOW_SECONDS)) return 'out_of_window'
    if (held.has(id)) return 'used'
    forgetOldest()
    if (held.size >= capacity) forgetAllOver()
    if (held.size >= capacity) return 'full'
    held.set(id, {
      endMs: (createdAt + TOKEN_WINDOW_SECONDS + 1) * 1000,
      endElapsedMs: clock.elapsedMs() + HELD_SECONDS * 1000,
    })
    return 'claimed'
  }

  return { claim }
}
