import {
  buildHttpServer,
  registerMetricsRoute,
  registerOpenApiRoute,
  tallyAnswers,
  type Logger,
} from '@dstack-node/service-kit'
import type { FastifyInstance } from 'fastify'
import type { GpuMonitor } from './dstack/gpu-monitor.js'
import type { Identity } from './identity/identity.js'
import type { Address } from './address/ip-address.js'
import { registerAboutRoute } from './routes/about.js'
import { createAnswerHealth } from './routes/health-answer.js'
import { answerHealthFirst, registerHealthRoute } from './routes/health.js'
import { registerReadyRoute } from './routes/ready.js'
import type { NodeFacts } from './status/node-facts.js'

/** What the routes answer from. */
export interface ServerDependencies {
  identity: Identity
  /** What is known of this machine at this moment; it asks nobody. */
  facts: () => NodeFacts
  monitor: GpuMonitor
  /** Where this machine is reached. */
  address: Pick<Address, 'read' | 'fresh'>
  version: string
  log: Logger
  /** Fires when the service is to stop. */
  stopping: AbortSignal
}

/**
 * The backend with all its routes, without a port. What only some requests need (the metrics, the description
 * of the API) is loaded when the first of them comes: a start waits for none of it.
 */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const { log } = dependencies
  const app = buildHttpServer(log)
  const tallies = tallyAnswers(app)
  const health = { ...dependencies, answer: createAnswerHealth(dependencies) }
  registerHealthRoute(app, health)
  // At debug Fastify logs how each request was answered: it has to see them all.
  if (!log.isLevelEnabled('debug')) {
    answerHealthFirst(app, health, tallies.of('GET', '/health'))
  }
  registerAboutRoute(app, dependencies)
  registerReadyRoute(app, dependencies)
  registerMetricsRoute(app, async () => {
    const { createNodeRegistry } = await import('./status/node-registry.js')
    return createNodeRegistry(dependencies, tallies)
  })
  registerOpenApiRoute(app, async () => {
    const { describeBackendApi } = await import('./api-description.js')
    return describeBackendApi(dependencies.version)
  })
  return app
}
