import type { Registry } from '@dstack-node/service-kit/metrics'
import type { GpuMonitor } from '../dstack/gpu-monitor.js'
import type { Identity } from '../identity/identity.js'
import type { Observation } from '../network-view/observation.js'
import { addGauge, oneSeries, toSeconds, type GaugeFamily } from './gauge.js'
import { observeGpus } from './gpu-metrics.js'
import type { NodeFacts } from './node-facts.js'
import { findWarnings } from './warnings.js'

/** Where the figures come from. */
export interface NodeMetricsSources {
  facts: () => NodeFacts
  identity: Pick<Identity, 'pubkey'>
  version: string
  monitor: Pick<GpuMonitor, 'latest' | 'ageMs' | 'counts'>
}

/** What the metrics tell of this machine; read when they are asked for. No scrape asks the VMM. */
export function observeNode(registry: Registry, sources: NodeMetricsSources): void {
  const { facts, monitor } = sources
  observeGpus(registry, { monitor, expected: () => facts().expected })
  for (const family of nodeFamilies(sources)) addGauge(registry, family)
  for (const family of networkFamilies(facts)) addGauge(registry, family)
}

function nodeFamilies({ facts, identity, version }: NodeMetricsSources): GaugeFamily[] {
  return [
    {
      name: 'dstack_node_info',
      help: 'Always 1; the labels tell what this machine is.',
      labelNames: ['version', 'node_type', 'pubkey'],
      read: () => {
        const { nodeType: node_type = '' } = facts()
        return [{ labels: { version, node_type, pubkey: identity.pubkey }, value: 1 }]
      },
    },
    {
      name: 'dstack_node_warning',
      help: 'Always 1; there is one for each warning that an operator should look at.',
      labelNames: ['code'],
      read: () => findWarnings(facts()).map(({ code }) => ({ labels: { code }, value: 1 })),
    },
  ]
}

function networkFamilies(facts: () => NodeFacts): GaugeFamily[] {
  const permission = () => facts().permission
  const whitelist = () => facts().whitelist
  return [
    {
      name: 'dstack_registered_timestamp_seconds',
      help: 'When the registration succeeded.',
      read: () => oneSeries(toSeconds(facts().registration.registeredAt)),
    },
    {
      name: 'dstack_registry_permission',
      help: 'Whether the registry lets this key write, by its latest answer: 1 or 0.',
      read: () => oneSeries(latest(permission())?.allowed),
    },
    {
      name: 'dstack_registry_permission_timestamp_seconds',
      help: 'When the registry last answered whether this key may write.',
      read: () => oneSeries(secondsOf(permission().answer)),
    },
    {
      name: 'dstack_whitelist_listed',
      help: 'Whether the whitelist lets this key in, by its latest answer: 1 or 0.',
      read: () => {
        const view = latest(whitelist())
        return oneSeries(view && view.code === 'listed')
      },
    },
    {
      name: 'dstack_whitelist_listed_timestamp_seconds',
      help: 'When the whitelist last answered whether it lets this key in.',
      read: () => oneSeries(secondsOf(whitelist()?.answer)),
    },
  ]
}

/** What was said last, unless the latest question found no answer: then nothing is known. */
function latest<T>(observation: Observation<T> | undefined): T | undefined {
  return observation?.problem === undefined ? observation?.answer?.value : undefined
}

function secondsOf(answer: { at: Date } | undefined): number | undefined {
  return answer && toSeconds(answer.at)
}
