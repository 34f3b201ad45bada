import type { FastifyInstance } from 'fastify'
import { toBackendInfo } from '../backend-info.js'
import type { ServerDependencies } from '../server.js'

/** `GET /health`: what the worker on this machine reads. */
export function registerHealthRoute(app: FastifyInstance, dependencies: ServerDependencies): void {
  const { identity, readGpus, ipAddress } = dependencies
  app.get('/health', async (_request, reply) => {
    const [reading, address] = await Promise.all([readGpus(), ipAddress()])
    // Proxies and CDNs have been seen to keep an answer of this route.
    reply.code(reading.ok ? 200 : 503).header('cache-control', 'no-store')
    return toBackendInfo(identity.pubkey, reading, address)
  })
}
