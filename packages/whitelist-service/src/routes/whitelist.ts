import { JSON_HEADERS, sendAtOnce, type ReadyAnswer } from '@dstack-node/service-kit'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Allowlist } from '../list/allowlist.js'
import { isListed } from '../list/verdict.js'
import { parsePubkeyQuery, pubkeyQuerySchema } from './pubkey-query.js'

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

/** The answer to a text, as JSON, that is on the list or not. */
export function answerWhitelist(listed: boolean, text: string, isAscii: boolean): ReadyAnswer {
  const body = `{"is_whitelisted":${listed},"pubkey":${text}}`
  return { status: 200, headers: JSON_HEADERS, body, isAscii }
}

/** `GET /api/whitelist`: the question that callers have always asked. */
export function registerWhitelistRoute(
  app: FastifyInstance,
  current: () => Allowlist,
  nowSeconds: () => number,
): void {
  app.get('/api/whitelist', (request, reply) => {
    const { text, result } = parsePubkeyQuery(request.query)
    const listed = isListed(current(), text, nowSeconds, result)
    sendAtOnce(reply, answerWhitelist(listed, JSON.stringify(text), false))
  })
}
