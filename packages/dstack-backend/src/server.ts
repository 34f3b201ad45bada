import { buildHttpServer, type Logger } from '@dstack-node/service-kit'
import type { FastifyInstance } from 'fastify'
import type { GpuReading } from './dstack-client.js'
import type { Identity } from './identity.js'
import type { Registration } from './registration.js'
import { registerAboutRoute } from './routes/about.js'
import { registerHealthRoute } from './routes/health.js'

/** What the routes answer from. */
export interface ServerDependencies {
  identity: Identity
  owner: string
  nodeType: string
  registration: Registration
  readGpus: () => Promise<GpuReading>
  ipAddress: () => Promise<string | null>
  version: string
  log: Logger
}

/** The backend with all its routes, without a port. */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const app = buildHttpServer(dependencies.log)
  registerHealthRoute(app, dependencies)
  registerAboutRoute(app, dependencies)
  return app
}
