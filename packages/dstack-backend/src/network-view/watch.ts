import type { Logger } from '@dstack-node/service-kit'
import type { Observation } from './observation.js'
import { createPeriodic, type Timing } from './periodic.js'

/** Somebody who is asked now and then, and what was learned. Nothing here acts upon it. */
export interface Watch<T> {
  state: () => Observation<T>
  start: () => void
  stop: () => void
  /** Calls back when something changes: another answer, another problem, or the end of one. */
  onChange: (listener: (state: Observation<T>) => void) => void
}

/** What came of asking once: an answer, or the sentence that says why there is none. */
export type Outcome<T> = { value: T } | { problem: string }

export interface WatchOptions<T> {
  ask: (signal: AbortSignal) => Promise<Outcome<T>>
  initial: Observation<T>
  /** The sentence for an answer, another one for each. */
  describe: (value: T) => string
  /** Whether the answer is what an operator hopes for; one that is not becomes a warning. */
  isGood: (value: T) => boolean
  /** From the start to the first question, in milliseconds; about ten minutes unless it is given. */
  firstMs?: number
  /** The same after a try that brought no answer. */
  retryMs?: number
  log: Logger
  now?: (() => Date) | undefined
  timing?: Timing | undefined
}

/** How long one request may take. */
export const REQUEST_TIMEOUT_MS = 10_000
const INTERVAL_MS = 10 * 60_000

/** Asks again and again, and keeps the last answer while there is no newer one. */
export function createWatch<T>(options: WatchOptions<T>): Watch<T> {
  const { ask, describe, isGood, log, now = () => new Date(), timing, firstMs } = options
  const { retryMs = INTERVAL_MS } = options
  const listeners: ((state: Observation<T>) => void)[] = []
  let state = options.initial

  /** What was learned in one sentence; a change of it is a change. */
  const describeState = ({ answer, problem }: Observation<T>) =>
    problem ?? (answer && describe(answer.value))
  function observe(next: Observation<T>): void {
    const sentence = describeState(next)
    const changed = sentence !== describeState(state)
    const isFirst = describeState(state) === undefined
    state = next
    if (!changed) return
    // The beginning and the end of what is not as it should be are a warning's, which has lines of its own.
    const isGoodNews = next.answer !== undefined && isGood(next.answer.value)
    log[isFirst && isGoodNews ? 'info' : 'debug'](sentence)
    for (const listener of listeners) listener(next)
  }
  const periodic = createPeriodic({
    task: async (signal) => {
      const outcome = await ask(signal)
      if (signal.aborted) return
      if ('value' in outcome) observe({ answer: { value: outcome.value, at: now() } })
      else observe({ ...(state.answer && { answer: state.answer }), ...outcome })
    },
    intervalMs: () => (state.problem === undefined ? INTERVAL_MS : retryMs),
    firstMs,
    onError: (err) => {
      log.error({ err }, 'asking failed; it is tried again')
    },
    timing,
  })
  return {
    state: () => state,
    start: periodic.start,
    stop: periodic.stop,
    onChange: (listener) => void listeners.push(listener),
  }
}
