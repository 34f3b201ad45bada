import { STATUS_CODES } from 'node:http'
import type { Config } from '../config.js'
import type { Gpu } from '../dstack/dstack-client.js'
import type { Identity } from '../identity/identity.js'
import { nodeTypeOf } from '../inventory/node-type.js'
import { AUTO } from '../inventory/registered-type.js'
import { adviseRegistry } from '../registry/registry-advice.js'
import type { RegistryClient, RegistryReply } from '../registry/registry-client.js'
import { describeReply } from '../registry/registry-messages.js'
import { isAllowed, isRedirect, isTransient } from '../registry/registry-verdict.js'
import { derivePubkey, generateSecretKey } from '../identity/secret-key.js'
import { skipped, well, wrong, type Step } from './step.js'

export interface RegistryQuestion {
  client: Pick<RegistryClient, 'getPermission'>
  config: Pick<Config, 'nodeType' | 'registry'>
  /** Undefined where there is no key that could be asked for. */
  identity: Identity | undefined
  /** Undefined where the VMM does not tell. */
  gpus: readonly Gpu[] | undefined
}

const TIMEOUT_MS = 4_000

/** Whether the registry answers, and what it says of the key; nothing is registered. */
export async function* checkRegistry(question: RegistryQuestion): AsyncGenerator<Step> {
  const { client, config, identity } = question
  const { signal } = new AbortController()
  // Where there is no key yet, nobody's tells as well whether the registry answers.
  const pubkey = identity?.pubkey ?? derivePubkey(generateSecretKey()) ?? ''
  const reply = await client.getPermission(pubkey, { timeoutMs: TIMEOUT_MS, signal })
  if (reply.kind === 'no_answer' || isTransient(reply) || isRedirect(reply)) {
    yield wrong('registry', describeReply('GET /permissions', reply), adviseRegistry(reply))
    yield skipped('permission', 'not known while the registry does not tell')
    return
  }
  yield well('registry', `${config.registry.baseUrl} answers`)
  yield identity
    ? checkPermission(question, reply)
    : skipped('permission', 'not known before there is a key')
}

function checkPermission({ config, gpus }: RegistryQuestion, reply: RegistryReply): Step {
  if (isAllowed(reply)) return well('permission', 'the registry lets this key write')
  const answer = describeStatus(reply)
  if (config.nodeType !== AUTO) {
    return skipped('permission', `not registered yet (${answer}): the start does that`)
  }
  if (!gpus) {
    return skipped(
      'permission',
      `not registered yet (${answer}): the start does that once DStack lists the GPUs, as NODE_TYPE is auto`,
    )
  }
  const found = nodeTypeOf(gpus)
  if (found.ok) {
    return skipped(
      'permission',
      `not registered yet (${answer}): the start does, as ${found.nodeType}`,
    )
  }
  return wrong(
    'permission',
    `not registered yet (${answer}), and NODE_TYPE=auto can't say as what: ${found.reason}`,
    'Set NODE_TYPE to what this machine is, like node-H200x8.',
  )
}

function describeStatus(reply: RegistryReply): string {
  if (reply.kind === 'no_answer') return 'no answer'
  return `the registry answered ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`.trim()
}
