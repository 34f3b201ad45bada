import type { FastifyInstance } from 'fastify'
import { describeFailure } from '../backend-info.js'
import type { GpuReading } from '../dstack-client.js'
import type { ServerDependencies } from '../server.js'

/** `GET /`: what this service is and how it stands with everything around it. */
export function registerAboutRoute(app: FastifyInstance, dependencies: ServerDependencies): void {
  const { identity, owner, nodeType, registration, version, readGpus, ipAddress } = dependencies
  app.get('/', async (_request, reply) => {
    const [reading, address] = await Promise.all([readGpus(), ipAddress()])
    reply.header('cache-control', 'no-store')
    return {
      service: 'dstack-backend',
      description: 'Tells a message-network worker about the GPUs of this machine.',
      version,
      pubkey: identity.pubkey,
      npub: identity.npub,
      owner,
      node_type: nodeType,
      ip_address: address,
      registration: {
        state: 'registered',
        how: registration.how,
        registered_at: registration.registeredAt.toISOString(),
      },
      dstack: describeDstack(reading),
      endpoints: {
        'GET /health': 'GPUs, address and public key, as the worker reads them',
        'GET /livez': 'whether the process answers',
        'GET /': 'this page',
      },
    }
  })
}

function describeDstack(reading: GpuReading) {
  if (!reading.ok) return { state: 'unavailable', reason: describeFailure(reading.failure) }
  return {
    state: 'available',
    gpu_count: reading.gpus.length,
    free_gpu_count: reading.gpus.filter(({ isFree }) => isFree).length,
  }
}
