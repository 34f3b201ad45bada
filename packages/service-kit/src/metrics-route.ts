import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

/** `GET /metrics` in the text format of Prometheus; a registry that is a function is made at the first scrape. */
export function registerMetricsRoute(
  app: FastifyInstance,
  registry: Registry | (() => Promise<Registry>),
): void {
  let made: Promise<Registry> | undefined
  const load = () => (typeof registry === 'function' ? (made ??= registry()) : registry)
  app.get('/metrics', async (_request, reply) => {
    // Exactly so: Prometheus 3 refuses another content type.
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
    return reply.send(await (await load()).metrics())
  })
}
