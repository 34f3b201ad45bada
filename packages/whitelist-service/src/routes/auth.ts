import { METHODS, type RequestListener } from 'node:http'
import {
  count,
  errorBody,
  JSON_HEADERS,
  sendAtOnce,
  type Logger,
  type ReadyAnswer,
  type Tally,
} from '@dstack-node/service-kit'
import { Counter, type Registry } from '@dstack-node/service-kit/metrics'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { AuthVerdict } from '../auth/auth-verdict.js'
import { headerLinesOf, type ProxyRequest } from '../auth/forwarded-request.js'

const OURS = /^\/auth(?=[/?#]|$)/
const MAX_REASON_LENGTH = 120

const admissionSchema = z.object({
  allowed: z.literal(true),
  pubkey: z.string().regex(/^[0-9a-f]{64}$/),
  code: z.literal('listed'),
})

const description = {
  method: 'get',
  summary:
    'Forward authentication: may the client of a proxy come in? With any method, body and path below.',
  answers: {
    200: { description: 'yes; X-Nostr-Pubkey is its key', schema: admissionSchema },
    401: refusal('it has not shown a key in a way that counts'),
    403: refusal('its key is not listed, banned or expired'),
    503: refusal('it can not be told now: let nobody in'),
  },
} satisfies Omit<ApiOperation, 'path'>

/** What the description of the API says about them. */
export const authOperations: ApiOperation[] = [
  { ...description, path: '/auth' },
  { ...description, path: '/auth/{path}', pathParameters: z.object({ path: z.string() }) },
]

interface AuthRouteOptions {
  ask: (peer: string, request: ProxyRequest) => AuthVerdict
  registry: Registry
  tally: Tally
  log: Logger
}

/**
 * Where the route of a URL is: everything below `/auth` is `/auth`, however it is spelled. It may be the
 * path of a client, and Fastify refuses what is badly encoded.
 */
export function authRouteUrl(url: string): string {
  return OURS.test(url) ? '/auth' : url
}

/** `ANY /auth` and `/auth/…`: 200, 401, 403 or 503, and nothing else, since proxies know nothing else. */
export function registerAuthRoute(app: FastifyInstance, options: AuthRouteOptions): void {
  const answers = countVerdicts(options.registry)
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const verdict = decide(request, options)
    answers.inc({ verdict: verdict.code })
    count(options.tally, verdict.status)
    sendAtOnce(reply, answerOf(verdict))
  }
  for (const method of METHODS) {
    // CONNECT is no request to Node.
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)
  }
  // A hook, since before the handler Fastify would read the body, and refuse what it does not like.
  app.all('/auth', { onRequest: answer }, () => undefined)
  ignoreExpectations(app)
}

function decide({ raw, originalUrl }: FastifyRequest, { ask, log }: AuthRouteOptions): AuthVerdict {
  try {
    const { method = '', rawHeaders, socket } = raw
    const request = { method, url: originalUrl, headers: headerLinesOf(rawHeaders) }
    return ask(socket.remoteAddress ?? '', request)
  } catch (error) {
    log.error({ err: error }, 'forward authentication failed')
    const message = 'the list can not be asked just now: let nobody in'
    return { status: 503, code: 'list_unavailable', message }
  }
}

function answerOf(verdict: AuthVerdict): ReadyAnswer {
  const { status } = verdict
  const headers = [...JSON_HEADERS, 'cache-control', 'no-store']
  if (status === 200) {
    const { code, pubkey } = verdict
    const body = JSON.stringify({ allowed: true, pubkey, code })
    return { status, headers: [...headers, 'x-nostr-pubkey', pubkey], body }
  }
  const { code, message, retryAfterSeconds } = verdict
  headers.push('x-reason', reasonOf(message))
  if (status === 401) headers.push('www-authenticate', 'Nostr')
  if (retryAfterSeconds !== undefined) headers.push('retry-after', String(retryAfterSeconds))
  return { status, headers, body: JSON.stringify(errorBody(status, code, message)) }
}

/** For people, in a header: printable ASCII, and not much of it. */
function reasonOf(message: string): string {
  return message.replaceAll(/[^\x20-\x7e]+/g, '').slice(0, MAX_REASON_LENGTH)
}

function countVerdicts(registry: Registry): Counter<'verdict'> {
  return new Counter({
    name: 'whitelist_auth_answers_total',
    help: 'Answers to forward authentication, by the code of the verdict.',
    labelNames: ['verdict'],
    registers: [registry],
  })
}

/** An `Expect` that nobody knows is answered 417 elsewhere, which it may be (RFC 9110, 10.1.1). */
function ignoreExpectations(app: FastifyInstance): void {
  const others = app.server.listeners('checkExpectation') as RequestListener[]
  app.server.removeAllListeners('checkExpectation')
  app.server.on('checkExpectation', (request, response) => {
    if (OURS.test(request.url ?? '')) app.routing(request, response)
    else for (const other of others) other(request, response)
  })
}
