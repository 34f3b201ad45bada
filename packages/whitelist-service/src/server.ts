import { buildHttpServer, type Logger } from '@dstack-node/service-kit'
import type { FastifyInstance } from 'fastify'
import type { AllowlistFile } from './allowlist-file.js'
import { registerStatusRoutes } from './routes/status.js'
import { registerWhitelistRoutes } from './routes/whitelist.js'

/** What the routes answer from. */
export interface ServerDependencies {
  file: AllowlistFile
  log: Logger
  version: string
}

/** The whitelist service with all its routes, without a port. */
export async function buildServer({
  file,
  log,
  version,
}: ServerDependencies): Promise<FastifyInstance> {
  const app = await buildHttpServer(log)
  registerWhitelistRoutes(app, () => file.state().allowlist)
  registerStatusRoutes(app, file, { version })
  return app
}
