import {
  closeHttpServer,
  listen,
  type RunningService,
  type StartContext,
} from '@dstack-node/service-kit'
import { Agent } from 'undici'
import type { Config } from './config.js'
import { createDstackDispatcher, createListGpus } from './dstack-client.js'
import { createGpuMonitor } from './gpu-monitor.js'
import { loadOrCreateIdentity } from './identity.js'
import { createIpAddress } from './ip-address.js'
import { register } from './registration.js'
import { createRegistryClient } from './registry-client.js'
import { buildServer } from './server.js'

/**
 * Starts the backend, each step only after the one before; the configuration was checked already.
 *
 * 1. Load the machine's key from DATA_DIR/key, or create it.
 * 2. Ask the registry whether this key is registered, and register it if not. A worker that is not
 *    registered may not take part, so when this fails, nothing ever listens.
 * 3. Open the port. DStack is asked only when somebody asks for the GPUs: a VMM that is down makes
 *    `/health` say so, and keeps nothing from starting.
 *
 * Throws a StartError when a step fails; nothing is left open then.
 */
export async function startBackend(
  { config, log, signal }: StartContext<Config>,
  version: string,
): Promise<RunningService> {
  if (config.owner.warning !== undefined) log.warn(config.owner.warning)

  const identity = await loadOrCreateIdentity(config.dataDir, log)

  const registration = await register({
    client: createRegistryClient(config.registry, new Agent({ pipelining: 0 })),
    worker: { pubkey: identity.pubkey, owner: config.owner.address, node_type: config.nodeType },
    timeoutMs: config.registrationTimeoutMs,
    signal,
    log,
  })
  log.info({ registry: config.registry.baseUrl, how: registration.how }, 'registered')

  const dispatcher = createDstackDispatcher(config.dstack)
  const app = await buildServer({
    identity,
    owner: config.owner.address,
    nodeType: config.nodeType,
    registration,
    readGpus: createGpuMonitor(createListGpus(config.dstack, dispatcher), log),
    ipAddress: createIpAddress(),
    version,
    log,
  })
  const url = await listen(app, config.listen)
  return { url, close: () => closeHttpServer(app) }
}
