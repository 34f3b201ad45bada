import { JSON_HEADERS, sendAtOnce, type ReadyAnswer } from '@dstack-node/service-kit'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Allowlist } from '../allowlist.js'
import { isListed } from '../verdict.js'
import { parsePubkeyQuery, pubkeyQuerySchema, type PubkeyQuestion } from './pubkey-query.js'

const answerSchema = z.object({
  is_whitelisted: z.boolean(),
  pubkey: z.string().describe('the key as it was asked'),
})

/** What the description of the API says about it. */
export const whitelistOperation: ApiOperation = {
  method: 'get',
  path: '/api/whitelist',
  summary: 'Whether a key is on the list, always with status 200. As a gate use /api/check.',
  query: pubkeyQuerySchema,
  answers: {
    200: { description: 'the verdict is in the body', schema: answerSchema },
    400: refusal('pubkey is missing, empty, repeated, too long or a secret key'),
  },
}

/** The answer to a key, or to a text that is none. */
export function answerWhitelist(
  { text, result }: PubkeyQuestion,
  allowlist: Allowlist,
  nowSeconds: () => number,
): ReadyAnswer {
  const listed = isListed(allowlist, text, nowSeconds, result)
  const body = `{"is_whitelisted":${listed},"pubkey":${JSON.stringify(text)}}`
  return { status: 200, headers: JSON_HEADERS, body }
}

/** `GET /api/whitelist`: the question that callers have always asked. */
export function registerWhitelistRoute(
  app: FastifyInstance,
  current: () => Allowlist,
  nowSeconds: () => number,
): void {
  app.get('/api/whitelist', (request, reply) => {
    sendAtOnce(reply, answerWhitelist(parsePubkeyQuery(request.query), current(), nowSeconds))
  })
}
