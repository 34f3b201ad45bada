import type { Logger } from '@dstack-node/service-kit'
import type { Config } from './config.js'
import type { GpuMonitor } from './dstack/gpu-monitor.js'
import { createRegisteredType } from './inventory/registered-type.js'
import type { Address } from './address/ip-address.js'
import type { PermissionView, WhitelistView } from './network-view/observation.js'
import type { Watch } from './network-view/watch.js'
import type { Registration } from './registry/registration.js'
import type { NodeFacts } from './status/node-facts.js'
import { createWarningLog } from './status/warning-log.js'
import { findWarnings } from './status/warnings.js'

/** Whatever is learned of this machine. */
export interface NodeSources {
  config: Pick<Config, 'owner' | 'expected'>
  registration: Registration
  monitor: GpuMonitor
  address: Address
  permission: Watch<PermissionView>
  /** Undefined without WHITELIST_URL. */
  whitelist: Watch<WhitelistView> | undefined
  log: Logger
}

/** This machine, watched. */
export interface Node {
  facts: () => NodeFacts
  start: () => void
  stop: () => void
}

/** Watches everything around this machine, and logs each warning once. */
export function createNode(sources: NodeSources): Node {
  const { config, registration, monitor, address, permission, whitelist, log } = sources
  const type = createRegisteredType(registration.nodeType)
  const logWarnings = createWarningLog(log)
  const facts = (): NodeFacts => ({
    owner: config.owner,
    nodeType: type.current(),
    registration,
    expected: config.expected ?? type.expectation(),
    sample: monitor.latest(),
    permission: permission.state(),
    whitelist: whitelist?.state(),
    address: address.latest(),
  })
  const tell = () => {
    logWarnings(findWarnings(facts()))
  }
  monitor.onSample(({ reading }) => {
    if (reading.ok) type.learn(reading.gpus)
    // Also while nobody asks, so that a change of address is seen.
    address
      .read()
      .then(tell)
      .catch((err: unknown) => {
        log.error({ err }, 'the warnings could not be told')
      })
  })
  const watches = [monitor, permission, ...(whitelist ? [whitelist] : [])]
  permission.onChange(tell)
  whitelist?.onChange(tell)
  return {
    facts,
    start: () => {
      for (const watch of watches) watch.start()
    },
    stop: () => {
      for (const watch of watches) watch.stop()
    },
  }
}
