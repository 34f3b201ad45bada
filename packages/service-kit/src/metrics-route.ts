import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

/** `GET /metrics` in the text format of Prometheus; a registry that is a function is made at the first scrape. */
export function registerMetricsRoute(
  app: FastifyInstance,
  registry: Registry | (() => Promise<Registry>),
): void {
  let made: Promise<Registry> | undefined
  let writing: Promise<string> | undefined
  const load = () => (typeof registry === 'function' ? (made ??= registry()) : registry)
  async function write(): Promise<string> {
    try {
      return await (await load()).metrics()
    } finally {
      writing = undefined
    }
  }
  app.get('/metrics', async (_request, reply) => {
    // Exactly so: Prometheus 3 refuses another content type.
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
    // A text takes a millisecond in which nothing else is answered: those who ask at a time share one.
    return reply.send(await (writing ??= write()))
  })
}
