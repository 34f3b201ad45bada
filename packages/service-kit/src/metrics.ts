import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { count, type Tally } from './http-answer.js'

export { Counter, Gauge, type Registry } from 'prom-client'

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
  const tallies: { method: string; route: string; tally: Tally }[] = []
  const tallyOf = (method: string, route: string) => {
    const known = tallies.find((one) => one.method === method && one.route === route)
    if (known) return known.tally
    const tally: Tally = new Map()
    tallies.push({ method, route, tally })
    return tally
  }
  app.decorateReply('tally', null)
  // Plain numbers for each route: the library's counter would hash its labels each time, and an
  // `onResponse` hook costs as much as a short answer's handler.
  app.addHook('onRoute', (route) => {
    const tally = tallyOf([route.method].flat().join(','), route.url)
    const { handler } = route
    route.handler = function (request, reply) {
      reply.tally = tally
      return handler.call(this, request, reply)
    }
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    // Without a tally it never came to a handler: there is none, or the body could not be read.
    const { method, routeOptions } = request
    count(reply.tally ?? tallyOf(method, routeOptions.url ?? 'unknown'), reply.statusCode)
    done(null, payload)
  })
  new Counter({
    name: 'http_requests_total',
    help: 'Answered requests.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { method, route, tally } of tallies) {
        for (const [status, answers] of tally) this.inc({ method, route, status }, answers)
      }
    },
  })
  return tallyOf
}

/** `GET /metrics` in the text format of Prometheus. */
export function registerMetricsRoute(app: FastifyInstance, registry: Registry): void {
  app.get('/metrics', async (_request, reply) => {
    // Exactly so: Prometheus 3 refuses another content type.
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
    return reply.send(await registry.metrics())
  })
}
