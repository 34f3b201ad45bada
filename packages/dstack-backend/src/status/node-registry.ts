import type { AnswerTallies } from '@dstack-node/service-kit'
import { createMetrics, exposeTallies, type Registry } from '@dstack-node/service-kit/metrics'
import { observeNode, type NodeMetricsSources } from './node-metrics.js'

/** Everything that a scrape finds. */
export function createNodeRegistry(sources: NodeMetricsSources, tallies: AnswerTallies): Registry {
  const registry = createMetrics({ name: 'dstack-backend', version: sources.version })
  exposeTallies(registry, tallies)
  observeNode(registry, sources)
  return registry
}
