import type { Logger } from '@dstack-node/service-kit'
import type { RegistryClient, RegistryReply } from '../registry/registry-client.js'
import { describeReply } from '../registry/registry-messages.js'
import { isAllowed, isRedirect, isSuccess, isTransient } from '../registry/registry-verdict.js'
import type { Registration } from '../registry/registration.js'
import type { Observation, PermissionView } from './observation.js'
import type { Timing } from './periodic.js'
import { createWatch, REQUEST_TIMEOUT_MS, type Outcome, type Watch } from './watch.js'

/** How the registration went, and when. */
type RegistrationOutcome = Pick<Registration, 'how' | 'registeredAt'>

export interface PermissionWatchOptions {
  client: Pick<RegistryClient, 'getPermission'>
  /** 64 lower-case hex digits. */
  pubkey: string
  registration: RegistrationOutcome
  log: Logger
  now?: () => Date
  timing?: Timing
}

/**
 * Asks the registry now and then whether the key may write. The first question waits: a registry may take
 * some minutes to act on a registration, and for a key that it knew there is an answer already.
 */
export function createPermissionWatch(options: PermissionWatchOptions): Watch<PermissionView> {
  const { client, pubkey, registration, log, now, timing } = options
  return createWatch<PermissionView>({
    ask: async (signal) =>
      judge(await client.getPermission(pubkey, { timeoutMs: REQUEST_TIMEOUT_MS, signal })),
    initial: initialView(registration),
    describe: ({ allowed }) =>
      allowed ? 'the registry allows this key' : 'the registry does not allow this key',
    isGood: ({ allowed }) => allowed,
    log,
    now,
    timing,
  })
}

function initialView({ how, registeredAt }: RegistrationOutcome): Observation<PermissionView> {
  return how === 'known' ? { answer: { value: { allowed: true }, at: registeredAt } } : {}
}

function judge(reply: RegistryReply): Outcome<PermissionView> {
  const answer = wholeOrNone(reply)
  // A redirect says as little about the key as no answer does.
  const unclear = isTransient(answer) || isRedirect(answer)
  if (unclear) return { problem: describeReply('GET /permissions', answer) }
  return { value: { allowed: isAllowed(answer) } }
}

/** Half a permission is no answer: what was lost may have been the part that allows. */
function wholeOrNone(reply: RegistryReply): RegistryReply {
  if (reply.kind === 'no_answer' || reply.bodyError === undefined || !isSuccess(reply)) return reply
  return { kind: 'no_answer', code: reply.bodyError }
}
