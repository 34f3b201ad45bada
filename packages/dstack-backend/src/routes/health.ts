import { answerFirst, count, sendAtOnce, type Tally } from '@dstack-node/service-kit'
import type { ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { ServerDependencies } from '../server.js'
import type { AnswerHealth } from './health-answer.js'

const infoSchema = z.object({
  version: z.string().describe('of the form of this answer'),
  topic: z.string(),
  pubkeys: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  status: z.enum(['Available', 'Unavailable']),
  metadata: z
    .string()
    .describe('JSON text with the GPUs, or a sentence that starts with `Error: `'),
  ip_address: z.string().nullable(),
})

/** What the description of the API says about it. */
export const healthOperation: ApiOperation = {
  method: 'get',
  path: '/health',
  summary: 'GPUs, address and public key, as the worker reads them; x-sample-age-ms tells how old',
  answers: {
    200: { description: 'DStack answers, if with no GPU at all', schema: infoSchema },
    503: {
      description: 'DStack does not answer; retry-after tells when it is asked again',
      schema: infoSchema,
    },
  },
}

/** Who is asked, and what makes an answer of it. */
export interface HealthSources extends Pick<ServerDependencies, 'monitor' | 'address'> {
  answer: AnswerHealth
}

/** `GET /health`: what the worker on this machine reads. */
export function registerHealthRoute(
  app: FastifyInstance,
  { monitor, address, answer }: HealthSources,
): void {
  app.get('/health', async (_request, reply) => {
    const [sample, view] = await Promise.all([monitor.read(), address.read()])
    sendAtOnce(reply, answer(sample, view))
  })
}

/**
 * Answers it before Fastify sees it, as the route does, while there is nobody to ask and nothing to wait
 * for. The answers are counted in `tally`.
 */
export function answerHealthFirst(
  app: FastifyInstance,
  { monitor, address, answer }: HealthSources,
  tally: Tally,
): void {
  answerFirst(app, ({ method, url }) => {
    if (method !== 'GET' || url !== '/health') return undefined
    const sample = monitor.retryAfterMs() > 0 ? monitor.latest() : undefined
    const view = address.fresh()
    if (!sample || !view) return undefined
    const ready = answer(sample, view)
    count(tally, ready.status)
    return ready
  })
}
