import { uptime } from 'node:os'
import {
  closeHttpServer,
  listen,
  type Logger,
  type RunningService,
  type StartContext,
} from '@dstack-node/service-kit'
import { Agent, type Dispatcher } from 'undici'
import { createAutoNodeType } from './registry/auto-node-type.js'
import { bootDelayMs } from './registry/boot-delay.js'
import type { Config } from './config.js'
import { adviseDstack } from './dstack/dstack-advice.js'
import { createDstackDispatcher, createListGpus } from './dstack/dstack-client.js'
import { createGpuMonitor, type GpuMonitor } from './dstack/gpu-monitor.js'
import { loadOrCreateIdentity } from './identity/identity.js'
import { AUTO } from './inventory/registered-type.js'
import { createAddress } from './address/ip-address.js'
import { createPermissionWatch } from './network-view/permission-watch.js'
import { createWhitelistClient } from './network-view/whitelist-client.js'
import { createWhitelistWatch } from './network-view/whitelist-watch.js'
import { createNode } from './node.js'
import { register } from './registry/registration.js'
import { createRegistryClient } from './registry/registry-client.js'
import { buildServer } from './server.js'

/**
 * Starts the backend, each step only after the one before; the configuration was checked already.
 *
 * 1. Load the machine's key from DATA_DIR/key, or create it.
 * 2. Ask the registry whether this key is registered, and register it if not. A worker that is not
 *    registered may not take part, so when this fails, nothing ever listens. Only NODE_TYPE=auto needs
 *    the VMM for it.
 * 3. Open the port, and watch DStack and the network from then on: a VMM that is down makes `/health` say
 *    so, and keeps nothing from starting.
 *
 * Throws a StartError when a step fails; nothing is left open then.
 */
export async function startBackend(
  { config, log, signal }: StartContext<Config>,
  version: string,
): Promise<RunningService> {
  if (config.owner.warning !== undefined) log.warn(config.owner.warning)

  const identity = await loadOrCreateIdentity(config.dataDir, log)
  const { pubkey } = identity

  const network = new Agent({ pipelining: 0 })
  const client = createRegistryClient(config.registry, network)
  const monitor = createMonitor(config, log)
  const registration = await register({
    client,
    worker: { pubkey, owner: config.owner.address },
    nodeType: config.nodeType === AUTO ? createAutoNodeType(monitor.read) : config.nodeType,
    timeoutMs: config.registrationTimeoutMs,
    firstDelayMs: bootDelayMs({
      uptimeSeconds: uptime(),
      registryUrl: config.registry.baseUrl,
      timeoutMs: config.registrationTimeoutMs,
      random: Math.random,
    }),
    signal,
    log,
  })
  log.info({ registry: config.registry.baseUrl, how: registration.how }, 'registered')

  const address = createAddress({
    advertised: config.advertisedIp,
    registryUrl: config.registry.baseUrl,
    log,
  })
  // A name that resolves slowly delays the start rather than the first answer.
  await address.read()
  const node = createNode({
    config,
    registration,
    monitor,
    address,
    permission: createPermissionWatch({ client, pubkey, registration, log }),
    whitelist: createWhitelist(config, { pubkey, dispatcher: network, log }),
    log,
  })
  const { facts } = node
  const app = await buildServer({
    identity,
    facts,
    monitor,
    address,
    version,
    log,
    stopping: signal,
  })
  const url = await listen(app, config.listen)
  node.start()
  return {
    url,
    close: async () => {
      node.stop()
      await closeHttpServer(app)
    },
  }
}

function createMonitor({ dstack, dstackToken }: Config, log: Logger): GpuMonitor {
  return createGpuMonitor({
    listGpus: createListGpus(dstack, createDstackDispatcher(dstack), dstackToken),
    advise: (reading) => adviseDstack(reading, dstack, dstackToken.kind),
    log,
  })
}

function createWhitelist(
  { whitelist }: Config,
  { pubkey, dispatcher, log }: { pubkey: string; dispatcher: Dispatcher; log: Logger },
) {
  if (whitelist === undefined) return undefined
  return createWhitelistWatch({ client: createWhitelistClient(whitelist, dispatcher), pubkey, log })
}
