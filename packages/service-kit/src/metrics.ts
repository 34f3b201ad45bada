import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { tallyAnswers, type AnswerTallies } from './answer-tallies.js'
import type { Tally } from './http-answer.js'

export { Counter, Gauge, type Registry } from 'prom-client'
export { registerMetricsRoute } from './metrics-route.js'

/** Gauges named like counters, which promtool objects to; the sums of others that stay. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** What a metrics scrape finds: the process's own figures and what the service adds. */
export function createMetrics(service: { name: string; version: string }): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  new Gauge({
    name: 'service_build_info',
    help: 'Always 1; the labels tell what runs.',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service: service.name, version: service.version }, 1)
  return registry
}

/**
 * Counts all answers by method, route template and status: never by what was asked. What comes back gives
 * the tally of a route to whoever answers in its place.
 */
export function countAnswers(
  app: FastifyInstance,
  registry: Registry,
): (method: string, route: string) => Tally {
  const tallies = tallyAnswers(app)
  exposeTallies(registry, tallies)
  return tallies.of
}

/** Tells a scrape what was counted. */
export function exposeTallies(registry: Registry, tallies: AnswerTallies): void {
  new Counter({
    name: 'http_requests_total',
    help: 'Answered requests.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { method, route, tally } of tallies.all()) {
        for (const [status, answers] of tally) this.inc({ method, route, status }, answers)
      }
    },
  })
}
