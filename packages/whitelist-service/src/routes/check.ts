import {
  formatNpub,
  HttpError,
  JSON_HEADERS,
  sendAtOnce,
  type FlatHeaders,
  type ReadyAnswer,
} from '@dstack-node/service-kit'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Allowlist } from '../list/allowlist.js'
import { formatTime } from '../time-text.js'
import { judge, type Verdict } from '../list/verdict.js'
import { answerUnavailable } from './unavailable.js'
import { parsePubkeyQuery, pubkeyQuerySchema } from './pubkey-query.js'

/** How long an answer may be kept, in seconds: so late a caller may learn of a change. */
const MAX_AGE = 5

const answerSchema = z.object({
  allowed: z.boolean(),
  pubkey: z.string().regex(/^[0-9a-f]{64}$/),
  npub: z.string().regex(/^npub1[a-z0-9]{58}$/),
  code: z.enum(['listed', 'not_listed', 'banned', 'expired']),
  label: z.string().optional(),
  expires_at: z.iso.datetime().optional(),
  version: z.string().describe('of the list: the same wherever the same keys are on it'),
})

const answers = {
  200: { description: 'allowed', schema: answerSchema },
  400: refusal('what was asked about is no public key'),
  403: { description: 'not allowed', schema: answerSchema },
  503: refusal('the list could not be loaded: let nobody in'),
}

/** What the description of the API says about them. */
export const checkOperations: ApiOperation[] = [
  {
    method: 'get',
    path: '/api/check',
    summary: 'Whether a key is allowed, in the status code',
    query: pubkeyQuerySchema,
    answers,
  },
  {
    method: 'get',
    path: '/api/check/{pubkey}',
    summary: 'Whether a key is allowed, in the status code',
    pathParameters: pubkeyQuerySchema,
    answers,
  },
]

/** A key in its two spellings. */
interface Spellings {
  /** 64 lower-case hex digits. */
  pubkey: string
  npub: string
}

/** The answer to a key on which there is a verdict. */
export function answerCheck(
  verdict: Verdict,
  spellings: Spellings,
  version: string,
  nowSeconds: () => number,
): ReadyAnswer {
  return {
    status: verdict.code === 'listed' ? 200 : 403,
    headers: headersOf(verdict, nowSeconds),
    body: bodyOf(verdict, spellings, version),
    isAscii: verdict.label === undefined,
  }
}

/** `GET /api/check?pubkey=K` and `GET /api/check/K`: the verdict in the status code. */
export function registerCheckRoutes(
  app: FastifyInstance,
  current: () => Allowlist,
  nowSeconds: () => number,
): void {
  const check = (source: unknown, reply: FastifyReply) => {
    const { result } = parsePubkeyQuery(source)
    if (!result.ok) throw new HttpError(400, 'invalid_pubkey', result.message)
    const { pubkey } = result
    const allowlist = current()
    const verdict = judge(allowlist, pubkey, nowSeconds)
    const spellings = { pubkey, npub: formatNpub(pubkey) }
    sendAtOnce(reply, answerCheck(verdict, spellings, allowlist.version, nowSeconds))
  }
  const options = { errorHandler: answerUnavailable }
  app.get('/api/check', options, (request, reply) => {
    check(request.query, reply)
  })
  app.get('/api/check/:pubkey', options, (request: FastifyRequest, reply) => {
    check(request.params, reply)
  })
}

const KEPT: FlatHeaders = [...JSON_HEADERS, 'cache-control', `max-age=${MAX_AGE}`]

/** An answer is never kept beyond the expiry of its key. */
function headersOf({ code, expiresAt }: Verdict, nowSeconds: () => number): FlatHeaders {
  if (code !== 'listed' || expiresAt === undefined) return KEPT
  const age = Math.max(0, Math.min(MAX_AGE, expiresAt - nowSeconds()))
  return [...JSON_HEADERS, 'cache-control', `max-age=${age}`]
}

function bodyOf(
  { code, label, expiresAt }: Verdict,
  { pubkey, npub }: Spellings,
  version: string,
): string {
  const labelled = label === undefined ? '' : `,"label":${JSON.stringify(label)}`
  const expiring = expiresAt === undefined ? '' : `,"expires_at":"${formatTime(expiresAt)}"`
  return (
    `{"allowed":${code === 'listed'},"pubkey":"${pubkey}","npub":"${npub}",` +
    `"code":"${code}"${labelled}${expiring},"version":"${version}"}`
  )
}
