import type { FastifyInstance } from 'fastify'
import type { AllowlistFile } from '../allowlist-file.js'

/** `GET /health` and `GET /`: how the service is, and what it is. */
export function registerStatusRoutes(
  app: FastifyInstance,
  file: AllowlistFile,
  about: { version: string },
): void {
  app.get('/health', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    const { allowlist, loadedAt, problem } = file.state()
    return {
      status: problem === undefined ? 'ok' : 'degraded',
      ...(problem !== undefined && { reason: problem }),
      keys: allowlist.keys.size,
      entries: allowlist.entryCount,
      loaded_at: loadedAt.toISOString(),
    }
  })

  app.get('/', async () => ({
    service: 'whitelist-service',
    description: 'Answers whether a Nostr public key is on the list.',
    version: about.version,
    endpoints: {
      'GET /api/whitelist?pubkey=K': 'is the key K (npub1…, nprofile1… or hex) on the list',
      'GET /api/list': 'the whole list, as the file spells it',
      'GET /health': 'status and the number of keys',
      'GET /livez': 'whether the process answers',
      'GET /': 'this page',
    },
  }))
}
