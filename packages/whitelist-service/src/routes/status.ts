import type { ApiOperation } from '@dstack-node/service-kit/openapi'
import { servePage } from '@dstack-node/service-kit/serve-page'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { AllowlistFile } from '../list/allowlist-file.js'

const healthSchema = z.object({
  status: z.enum(['ok', 'degraded']),
  reason: z.string().optional().describe('why the file is not the list that is served'),
  keys: z.int().describe('different valid keys'),
  entries: z.int().describe('everything that the file lists'),
  loaded_at: z.iso.datetime(),
})
const readySchema = z.object({
  status: z.enum(['ready', 'stopping']),
  version: z.string(),
  keys: z.int(),
})
const aboutSchema = z.object({
  service: z.string(),
  description: z.string(),
  version: z.string(),
  endpoints: z.record(z.string(), z.string()),
})

/** What the description of the API says about them. */
export const statusOperations: ApiOperation[] = [
  {
    method: 'get',
    path: '/health',
    summary: 'Whether the list that is served is the one in the file',
    answers: { 200: { description: 'also while it is not', schema: healthSchema } },
  },
  {
    method: 'get',
    path: '/ready',
    summary: 'Whether questions should be sent here',
    answers: {
      200: { description: 'a list is loaded', schema: readySchema },
      503: { description: 'the service is about to stop', schema: readySchema },
    },
  },
  {
    method: 'get',
    path: '/',
    summary: 'What this service is',
    answers: {
      200: {
        description: 'its name, version and addresses; a page where the request accepts HTML',
        schema: aboutSchema,
        type: 'text/html',
      },
    },
  },
]

interface StatusDependencies {
  file: AllowlistFile
  version: string
  /** Fires when the service is to stop. */
  stopping: AbortSignal
}

/** `GET /health`, `GET /ready` and `GET /`: how the service is, and what it is; the last also as a page. */
export function registerStatusRoutes(
  app: FastifyInstance,
  { file, version, stopping }: StatusDependencies,
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

  // Served from the last good list, it stays ready: else one bad edit would take every instance away.
  app.get('/ready', async (_request, reply) => {
    const { allowlist } = file.state()
    reply.code(stopping.aborted ? 503 : 200).header('cache-control', 'no-store')
    return {
      status: stopping.aborted ? 'stopping' : 'ready',
      version: allowlist.version,
      keys: allowlist.keys.size,
    }
  })

  app.get('/', { onRequest: servePage(loadPage) }, async () => ({
    service: 'whitelist-service',
    description: 'Answers whether a Nostr public key is on the list.',
    version,
    endpoints: ENDPOINTS,
  }))
}

async function loadPage() {
  return (await import('../page/whitelist-page.js')).whitelistPage
}

const ENDPOINTS = {
  'GET /api/check?pubkey=K': 'is the key K (npub1…, nprofile1… or hex) allowed: 200 or 403',
  'GET /api/check/K': 'the same',
  'GET /api/whitelist?pubkey=K': 'is the key K on the list: always 200, the verdict is in the body',
  'POST /api/whitelist': 'the same for many keys: {"pubkeys": [K, …]}',
  'GET /api/list?format=F': 'the whole list: file, hex, npub or text',
  'ANY /auth': 'for the forward authentication of proxies: 200, 401, 403 or 503',
  'POST /': 'changes the list (NIP-86), where that is switched on',
  'GET /health': 'status and the number of keys',
  'GET /ready': 'whether questions should be sent here',
  'GET /livez': 'whether the process answers',
  'GET /metrics': 'figures for Prometheus',
  'GET /openapi.json': 'all of this for machines (OpenAPI 3.1)',
  'GET /': 'this page',
}
