import { Agent } from 'undici'
import type { Endpoint } from '../requests/endpoint.js'
import type { Identity } from '../identity/identity.js'
import { createWhitelistClient, type WhitelistReply } from '../network-view/whitelist-client.js'
import { describeProblem } from '../network-view/whitelist-messages.js'
import type { Observation, WhitelistView } from '../network-view/observation.js'
import { findWhitelistWarnings } from '../status/network-warnings.js'
import { skipped, well, wrong, type Step } from './step.js'

/** Of each of at most two requests. */
const TIMEOUT_MS = 2_500

/** What the whitelist says of the key, where there is one to ask and a key to ask for. */
export async function checkWhitelist(
  endpoint: Endpoint | undefined,
  identity: Identity | undefined,
): Promise<Step> {
  if (!endpoint) return skipped('whitelist', 'not asked: WHITELIST_URL is not set')
  if (!identity) return skipped('whitelist', 'not known before there is a key')
  const ask = createWhitelistClient(endpoint, new Agent({ pipelining: 0 }))
  const { signal } = new AbortController()
  const view = observe(await ask(identity.pubkey, { timeoutMs: TIMEOUT_MS, signal }))
  const [warning] = findWhitelistWarnings(view)
  return warning
    ? wrong('whitelist', warning.message, warning.nextStep)
    : well('whitelist', `${endpoint.baseUrl} lists this key`)
}

function observe(reply: WhitelistReply): Observation<WhitelistView> {
  if (reply.kind !== 'verdict') return { problem: describeProblem(reply) }
  return { answer: { value: { code: reply.code }, at: new Date() } }
}
