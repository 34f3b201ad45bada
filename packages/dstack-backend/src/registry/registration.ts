import { setTimeout as delay } from 'node:timers/promises'
import { StartError, type Logger } from '@dstack-node/service-kit'
import type { NodeTypeSource } from './node-type-source.js'
import { LAST_TRY_SHARE, tryOnce, type Outcome, type RoundOptions } from './registration-round.js'

/** That the worker is registered, and how it came to be. */
export interface Registration {
  /** `known`: the registry allowed it already; `new`: it was registered now. */
  how: 'known' | 'new'
  registeredAt: Date
  /** What it is registered as; undefined where the registry knew the worker before this had to be found out. */
  nodeType: string | undefined
}

/** Time and chance, handed in so that tests decide them. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now: () => number
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** From 0 to just below 1. */
  random: () => number
}

/** What to register, where, and for how long to try. */
export interface RegistrationOptions extends Omit<RoundOptions, 'nodeType' | 'leftMs'> {
  /** What to register the worker as; a source is asked only when there is something to register. */
  nodeType: string | NodeTypeSource
  /** How long to wait before the first try, in milliseconds; it counts. */
  firstDelayMs?: number
  log: Logger
  clock?: Clock
}

const BACKOFF_BASE_MS = 1_000
const BACKOFF_CAP_MS = 30_000
const BACKOFF_FLOOR_MS = 50

const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
  random: Math.random,
}

/**
 * Makes sure that the registry knows the worker: asks for its permission, registers it if there is none,
 * and tries again whatever may pass, until the time is up.
 *
 * Throws a StartError with the registry's own words when it refuses or the time is up, and with what is
 * missing when there is no node type to register.
 */
export async function register(options: RegistrationOptions): Promise<Registration> {
  const clock = options.clock ?? systemClock
  const { timeoutMs, firstDelayMs = 0, signal, log } = options
  const deadline = clock.now() + timeoutMs
  if (firstDelayMs > 0) {
    log.info(
      { wait_ms: firstDelayMs },
      'the machine has just booted: not all ask at the same moment',
    )
    await clock.sleep(firstDelayMs, signal)
  }
  const name = rememberNodeType(options.nodeType, log)
  const round = { ...options, nodeType: name.source, leftMs: () => deadline - clock.now() }
  for (let tries = 0; ; tries += 1) {
    const outcome = await tryOnce(round)
    if (outcome.kind === 'registered') {
      return { how: outcome.how, registeredAt: new Date(), nodeType: name.latest() }
    }
    if (outcome.kind === 'refused') throw refusal(outcome.reason, outcome)
    const left = round.leftMs() - timeoutMs * LAST_TRY_SHARE
    if (outcome.waitMs >= left) throw refusal(describeEnd(outcome, timeoutMs), outcome)
    log.warn({ next_step: outcome.nextStep }, `${outcome.reason}; trying again`)
    // On top of what the registry asks for: it may have asked many for the same.
    const spreadMs = Math.min(backoff(tries, clock), left - outcome.waitMs)
    await clock.sleep(outcome.waitMs + spreadMs, signal)
  }
}

/** The source of the node type, and what it said last. */
function rememberNodeType(nodeType: string | NodeTypeSource, log: Logger) {
  if (typeof nodeType === 'string') {
    const source: NodeTypeSource = () => Promise.resolve({ ok: true, nodeType })
    return { source, latest: () => nodeType }
  }
  let latest: string | undefined
  const source: NodeTypeSource = async (limits) => {
    const answer = await nodeType(limits)
    if (answer.ok && answer.nodeType !== latest) {
      log.info({ nodeType: answer.nodeType }, 'this is what the GPUs make it')
      latest = answer.nodeType
    }
    return answer
  }
  return { source, latest: () => latest }
}

/** Exponential with full jitter: machines that start together don't come back together. */
function backoff(tries: number, { random }: Clock): number {
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** tries)
  return Math.max(BACKOFF_FLOOR_MS, random() * ceiling)
}

function describeEnd({ reason, waitMs }: Outcome & { kind: 'retry' }, timeoutMs: number): string {
  return waitMs > 0
    ? `${reason}; it asks to wait ${Math.ceil(waitMs / 1000)} s, longer than REGISTRATION_TIMEOUT_MS leaves`
    : `${reason}; gave up after ${timeoutMs} ms (REGISTRATION_TIMEOUT_MS)`
}

function refusal(reason: string, { nextStep }: { nextStep: string }): StartError {
  return new StartError(`registration failed: ${reason}`, { nextStep })
}
