import { HttpError, JSON_HEADERS, sendAtOnce } from '@dstack-node/service-kit'
import { Counter, type Registry } from '@dstack-node/service-kit/metrics'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Administration } from '../admin/nip86/administration.js'
import { GateError } from '../admin/nip86/gate-error.js'
import { callSchema } from '../admin/nip86/nip86-call.js'

const MEDIA_TYPE = 'application/nostr+json+rpc'
const BODY_BYTES = 64 * 1024

const resultSchema = z.union([
  z.literal(true),
  z.array(z.string()),
  z.array(z.object({ pubkey: z.string().regex(/^[0-9a-f]{64}$/), reason: z.string() })),
])
const answerSchema = z.union([
  z.strictObject({ result: resultSchema }),
  z.strictObject({ error: z.string().describe('why the method was not carried out') }),
])

/** What the description of the API says about it. */
export const adminOperation: ApiOperation = {
  method: 'post',
  path: '/',
  summary: 'Changes the list (NIP-86), with a token of an admin for each request (NIP-98)',
  body: { type: MEDIA_TYPE, schema: callSchema },
  answers: {
    200: { description: 'the result of the method, or its error', schema: answerSchema },
    401: refusal('no token, or one that is not for this request, or that was used before'),
    403: refusal('the token is not of an admin'),
    405: refusal('administration over HTTP is not switched on'),
    413: refusal(`the body is larger than ${BODY_BYTES} bytes`),
    415: refusal(`the body is not announced as ${MEDIA_TYPE}`),
    429: refusal('too many attempts failed: try again after Retry-After'),
    503: refusal('too many requests: try again after Retry-After'),
  },
}

interface AdminRouteOptions extends Administration {
  addressOf: (request: FastifyRequest) => string
  registry: Registry
}

/** `POST /`: the methods of NIP-86, for admins. Only who got through the gate has the body read. */
export function registerAdminRoute(
  app: FastifyInstance,
  { admit, answerCall, addressOf, registry }: AdminRouteOptions,
): void {
  const count = createCounter(registry)

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { headers, originalUrl: target, body } = request
    if (!Buffer.isBuffer(body)) throw new HttpError(415, 'unsupported_media_type', TYPE_WANTED)
    const { authorization } = headers
    const by = admit({ authorization, target, body, address: addressOf(request) })
    const answer = await answerCall(body, by)
    count(answer.method, answer.outcome)
    sendAtOnce(reply, { status: 200, headers: JSON_HEADERS, body: answer.body })
    return reply
  }

  function refuse(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): never {
    count(undefined, OUTCOMES[error.statusCode ?? 500] ?? 'refused')
    if (error instanceof GateError) void reply.headers(error.headers)
    throw error
  }

  void app.register(async (scope) => {
    // The token is for the bytes as they came, so nothing else may read them.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(MEDIA_TYPE, { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body)
    })
    scope.post('/', { bodyLimit: BODY_BYTES, errorHandler: refuse }, handle)
  })
}

const TYPE_WANTED = `the body must be announced as ${MEDIA_TYPE}`
const OUTCOMES: Record<number, string> = {
  401: 'unauthorized',
  403: 'forbidden',
  429: 'limited',
}

function createCounter(registry: Registry): (method: string | undefined, outcome: string) => void {
  const counter = new Counter({
    name: 'whitelist_admin_requests_total',
    help: 'Requests to change the list over HTTP.',
    labelNames: ['method', 'outcome'],
    registers: [registry],
  })
  return (method = 'unknown', outcome) => {
    counter.inc({ method, outcome })
  }
}
