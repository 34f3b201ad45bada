import type { NodeTypeAnswer, NodeTypeSource } from './node-type-source.js'
import type { RegistryClient, RegistryReply, RequestLimits, Worker } from './registry-client.js'
import { adviseRegistry } from './registry-advice.js'
import { describeReply } from './registry-messages.js'
import {
  isAllowed,
  isDoubtful,
  isRedirect,
  isSuccess,
  isTransient,
  waitOf,
} from './registry-verdict.js'

/** Whom to register, where, and what all rounds share. */
export interface RoundOptions {
  client: RegistryClient
  worker: Omit<Worker, 'node_type'>
  nodeType: NodeTypeSource
  /** All rounds together, in milliseconds. */
  timeoutMs: number
  /** What is left of that. */
  leftMs: () => number
  /** Ends the round; the promise then rejects. */
  signal: AbortSignal
}

/** What came of a round. */
export type Outcome =
  | { kind: 'registered'; how: 'known' | 'new' }
  | { kind: 'refused'; reason: string; nextStep: string }
  | { kind: 'retry'; reason: string; nextStep: string; waitMs: number }

/** The part of all the time that one check may take. */
const CHECK_SHARE = 0.3
/** The part that finding the node type may take. */
const NODE_TYPE_SHARE = 0.3
/** The part that a post leaves, so that its effect can be checked when its answer was lost. */
const RECHECK_SHARE = 0.2
/** The part that is kept for a last try. */
export const LAST_TRY_SHARE = 0.1

const CHECK = 'GET /permissions'
const POST = 'POST /workers'

/** One round: the check, the post if that is needed, and another check where the post leaves doubt. */
export async function tryOnce(options: RoundOptions): Promise<Outcome> {
  const { client, worker, nodeType, timeoutMs, leftMs, signal } = options
  const within = (milliseconds: number): RequestLimits => ({
    timeoutMs: Math.ceil(Math.max(1, Math.min(milliseconds, leftMs()))),
    signal,
  })
  const ask = async () => {
    const reply = await client.getPermission(worker.pubkey, within(timeoutMs * CHECK_SHARE))
    signal.throwIfAborted()
    return reply
  }
  const check = await ask()
  if (isAllowed(check)) return { kind: 'registered', how: 'known' }
  if (isRedirect(check)) return refused(CHECK, check)
  if (waitOf(check) > 0 && waitOf(check) < leftMs() - timeoutMs * LAST_TRY_SHARE)
    return retry(CHECK, check)

  const name = await nodeType(within(Math.min(timeoutMs * NODE_TYPE_SHARE, leftMs() / 2)))
  signal.throwIfAborted()
  if (!name.ok) return withoutName(name, check)

  const left = leftMs()
  const postMs = Math.max(left / 2, left - timeoutMs * RECHECK_SHARE)
  const post = await client.postWorker({ ...worker, node_type: name.nodeType }, within(postMs))
  signal.throwIfAborted()
  if (isSuccess(post)) return { kind: 'registered', how: 'new' }
  if (isDoubtful(post)) {
    const again = await ask()
    if (isAllowed(again)) return { kind: 'registered', how: 'known' }
    if (isTransient(again)) return retry(CHECK, again)
  }
  if (isTransient(post)) return retry(POST, post)
  return refused(POST, post)
}

function refused(request: string, reply: RegistryReply): Outcome {
  return {
    kind: 'refused',
    reason: describeReply(request, reply),
    nextStep: adviseRegistry(reply),
  }
}

function retry(request: string, reply: RegistryReply): Outcome {
  const [reason, nextStep] = [describeReply(request, reply), adviseRegistry(reply)]
  return { kind: 'retry', reason, nextStep, waitMs: waitOf(reply) }
}

/** While the registry did not really answer, it may know the worker, and need no node type at all. */
function withoutName(
  { reason, nextStep, final }: NodeTypeAnswer & { ok: false },
  check: RegistryReply,
): Outcome {
  if (isTransient(check)) {
    const both = `${describeReply(CHECK, check)}; and ${reason}`
    return { kind: 'retry', reason: both, nextStep, waitMs: 0 }
  }
  return final
    ? { kind: 'refused', reason, nextStep }
    : { kind: 'retry', reason, nextStep, waitMs: 0 }
}
