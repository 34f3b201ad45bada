import { setTimeout as delay } from 'node:timers/promises'
import { StartError, type Logger } from '@dstack-node/service-kit'
import { describeReply } from './registry-messages.js'
import type { RegistryClient, RegistryReply, RequestLimits, Worker } from './registry-client.js'
import {
  isAllowed,
  isDoubtful,
  isRedirect,
  isSuccess,
  isTransient,
  waitOf,
} from './registry-verdict.js'

/** That the worker is registered, and how it came to be. */
export interface Registration {
  /** `known`: the registry allowed it already; `new`: it was registered now. */
  how: 'known' | 'new'
  registeredAt: Date
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
export interface RegistrationOptions {
  client: RegistryClient
  worker: Worker
  /** All tries together, in milliseconds. */
  timeoutMs: number
  /** Gives up early; the promise then rejects. */
  signal: AbortSignal
  log: Logger
  clock?: Clock
}

/** The part of all the time that one check may take. */
const CHECK_SHARE = 0.3
/** The part that a post leaves, so that its effect can be checked when its answer was lost. */
const RECHECK_SHARE = 0.2
/** The part that is kept for a last try. */
const LAST_TRY_SHARE = 0.1
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
 * Throws a StartError with the registry's own words when it refuses or the time is up.
 */
export async function register(options: RegistrationOptions): Promise<Registration> {
  const clock = options.clock ?? systemClock
  const { timeoutMs, signal, log } = options
  const deadline = clock.now() + timeoutMs
  for (let round = 0; ; round += 1) {
    const outcome = await tryOnce(options, clock, deadline)
    if (outcome.kind === 'registered') return { how: outcome.how, registeredAt: new Date() }
    if (outcome.kind === 'refused') throw refusal(outcome.reason)
    const left = deadline - clock.now() - timeoutMs * LAST_TRY_SHARE
    if (outcome.waitMs >= left) throw refusal(describeEnd(outcome, timeoutMs))
    log.warn(`${outcome.reason}; trying again`)
    await clock.sleep(Math.max(outcome.waitMs, Math.min(backoff(round, clock), left)), signal)
  }
}

const CHECK = 'GET /permissions'
const POST = 'POST /workers'

type Outcome =
  | { kind: 'registered'; how: Registration['how'] }
  | { kind: 'refused'; reason: string }
  | { kind: 'retry'; reason: string; waitMs: number }

/** One round: the check, the post if that is needed, and another check where the post leaves doubt. */
async function tryOnce(
  { client, worker, timeoutMs, signal }: RegistrationOptions,
  clock: Clock,
  deadline: number,
): Promise<Outcome> {
  const within = (milliseconds: number): RequestLimits => ({
    timeoutMs: Math.ceil(Math.max(1, Math.min(milliseconds, deadline - clock.now()))),
    signal,
  })
  const ask = async () => {
    const reply = await client.getPermission(worker.pubkey, within(timeoutMs * CHECK_SHARE))
    signal.throwIfAborted()
    return reply
  }
  const check = await ask()
  if (isAllowed(check)) return { kind: 'registered', how: 'known' }
  if (isRedirect(check)) return { kind: 'refused', reason: describeReply(CHECK, check) }
  const left = deadline - clock.now()
  if (waitOf(check) > 0 && waitOf(check) < left - timeoutMs * LAST_TRY_SHARE)
    return retry(CHECK, check)

  const postMs = Math.max(left / 2, left - timeoutMs * RECHECK_SHARE)
  const post = await client.postWorker(worker, within(postMs))
  signal.throwIfAborted()
  if (isSuccess(post)) return { kind: 'registered', how: 'new' }
  if (isDoubtful(post)) {
    const again = await ask()
    if (isAllowed(again)) return { kind: 'registered', how: 'known' }
    if (isTransient(again)) return retry(CHECK, again)
  }
  if (isTransient(post)) return retry(POST, post)
  return { kind: 'refused', reason: describeReply(POST, post) }
}

function retry(request: string, reply: RegistryReply): Outcome {
  return { kind: 'retry', reason: describeReply(request, reply), waitMs: waitOf(reply) }
}

/** Exponential with full jitter: machines that start together don't come back together. */
function backoff(round: number, { random }: Clock): number {
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** round)
  return Math.max(BACKOFF_FLOOR_MS, random() * ceiling)
}

function describeEnd({ reason, waitMs }: Outcome & { kind: 'retry' }, timeoutMs: number): string {
  return waitMs > 0
    ? `${reason}; it asks to wait ${Math.ceil(waitMs / 1000)} s, longer than REGISTRATION_TIMEOUT_MS leaves`
    : `${reason}; gave up after ${timeoutMs} ms (REGISTRATION_TIMEOUT_MS)`
}

function refusal(reason: string): StartError {
  return new StartError(`registration failed: ${reason}`)
}
