import { servePage } from '@dstack-node/service-kit/serve-page'
import type { FastifyInstance } from 'fastify'
import type { ServerDependencies } from '../server.js'
import { toNodeStatus } from '../status/node-status.js'

/** `GET /`: what this service is and how it stands with everything around it; to a browser, as a page. */
export function registerAboutRoute(app: FastifyInstance, dependencies: ServerDependencies): void {
  const { facts, monitor, address } = dependencies
  app.get('/', { onRequest: servePage(loadPage) }, async (_request, reply) => {
    // What is known is then as fresh as /health would tell it.
    await Promise.all([monitor.read(), address.read()])
    reply.header('cache-control', 'no-store')
    return toNodeStatus(dependencies, facts())
  })
}

async function loadPage() {
  return (await import('../page/backend-page.js')).backendPage
}
