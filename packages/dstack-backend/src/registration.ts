import { setTimeout as delay } from 'node:timers/promises'
import { StartError, type Logger } from '@dstack-node/service-kit'
import { describeReply } from './registry-messages.js'
import type { RegistryClient, RegistryReply, RequestLimits, Worker } from './registry-client.js'

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

/** So that after a check and a post that both hang, there is time to ask once more. */
const REQUEST_SHARE = 0.4
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
  const deadline = clock.now() + options.timeoutMs
  for (let round = 0; ; round += 1) {
    const outcome = await tryOnce(options, clock, deadline)
    if (outcome.kind === 'registered') return { how: outcome.how, registeredAt: new Date() }
    if (outcome.kind === 'refused') throw refusal(outcome.reason)
    options.log.warn(`${outcome.reason}; trying again`)
    await waitBefore(deadline, Math.max(outcome.waitMs, backoff(round, clock)), outcome.reason)
  }

  async function waitBefore(end: number, milliseconds: number, reason: string): Promise<void> {
    if (clock.now() + milliseconds >= end) {
      throw refusal(`${reason}; gave up after ${options.timeoutMs} ms (REGISTRATION_TIMEOUT_MS)`)
    }
    await clock.sleep(milliseconds, options.signal)
  }
}

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
  const limits = (): RequestLimits => ({
    timeoutMs: Math.ceil(Math.max(1, Math.min(timeoutMs * REQUEST_SHARE, deadline - clock.now()))),
    signal,
  })
  const check = await client.getPermission(worker.pubkey, limits())
  signal.throwIfAborted()
  if (isAllowed(check)) return { kind: 'registered', how: 'known' }
  if (isRedirect(check))
    return { kind: 'refused', reason: describeReply('GET /permissions', check) }
  if (waitOf(check) > 0) return retry('GET /permissions', check)

  const post = await client.postWorker(worker, limits())
  signal.throwIfAborted()
  if (isSuccess(post)) return { kind: 'registered', how: 'new' }
  if (isConflict(post) || post.kind === 'no_answer') {
    // Known already, or registered by a post whose answer was lost: only the registry can tell.
    const again = await client.getPermission(worker.pubkey, limits())
    signal.throwIfAborted()
    if (isAllowed(again)) return { kind: 'registered', how: 'known' }
    if (again.kind === 'no_answer') return retry('POST /workers', post)
  }
  if (isTransient(post)) return retry('POST /workers', post)
  return { kind: 'refused', reason: describeReply('POST /workers', post) }
}

/** Registered means: a 2xx answer that says `write.mode == "AllowAll"`. */
function isAllowed(reply: RegistryReply): boolean {
  return isSuccess(reply) && reply.kind === 'answer' && reply.allowsAll
}

function isSuccess(reply: RegistryReply): boolean {
  return reply.kind === 'answer' && reply.status >= 200 && reply.status < 300
}

function isRedirect(reply: RegistryReply): boolean {
  return reply.kind === 'answer' && reply.status >= 300 && reply.status < 400
}

function isConflict(reply: RegistryReply): boolean {
  return reply.kind === 'answer' && reply.status === 409
}

/** Whether the same request may well succeed later. */
function isTransient(reply: RegistryReply): boolean {
  if (reply.kind === 'no_answer') return true
  return [408, 425, 429].includes(reply.status) || reply.status >= 500
}

/** How long the registry asks to be left alone; 0 when it doesn't, or when asking again won't help. */
function waitOf(reply: RegistryReply): number {
  if (reply.kind === 'no_answer' || !isTransient(reply)) return 0
  return reply.retryAfterMs ?? 0
}

function retry(request: string, reply: RegistryReply): Outcome {
  return { kind: 'retry', reason: describeReply(request, reply), waitMs: waitOf(reply) }
}

/** Exponential with full jitter: machines that start together don't come back together. */
function backoff(round: number, { random }: Clock): number {
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** round)
  return Math.max(BACKOFF_FLOOR_MS, random() * ceiling)
}

function refusal(reason: string): StartError {
  return new StartError(`registration failed: ${reason}`)
}
