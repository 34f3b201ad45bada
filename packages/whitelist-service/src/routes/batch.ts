import {
  HttpError,
  JSON_HEADERS,
  parsePubkey,
  readPlainPubkey,
  sendAtOnce,
  type PubkeyErrorCode,
} from '@dstack-node/service-kit'
import { WORDS_PER_KEY } from '@dstack-node/service-kit/key-words'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Allowlist } from '../list/allowlist.js'
import { isListed, judgeWords } from '../list/verdict.js'

const MAX_KEYS = 10_000
const BODY_BYTES = 2 * 1024 * 1024

const batchSchema = z.object({ pubkeys: z.array(z.unknown()).max(MAX_KEYS) })
const answerSchema = z.object({
  results: z
    .array(
      z.object({
        pubkey: z.string().nullable().describe('as it was asked; null where it is not repeated'),
        is_whitelisted: z.boolean(),
        code: z.string().optional().describe('why the entry is no public key'),
      }),
    )
    .describe('in the order of the question'),
})

/** What the description of the API says about it. */
export const batchOperation: ApiOperation = {
  method: 'post',
  path: '/api/whitelist',
  summary: `Which of up to ${MAX_KEYS} keys are on the list`,
  body: { type: 'application/json', schema: batchSchema },
  answers: {
    200: { description: 'one result for each entry, good or bad', schema: answerSchema },
    400: refusal('the body is not {"pubkeys": […]}, or has too many entries'),
    413: refusal(`the body is larger than ${BODY_BYTES} bytes`),
    415: refusal('the body is not announced as application/json'),
  },
}

/** `POST /api/whitelist`: many keys in one question. */
export function registerBatchRoute(
  app: FastifyInstance,
  current: () => Allowlist,
  nowSeconds: () => number,
): void {
  app.post('/api/whitelist', { bodyLimit: BODY_BYTES }, (request, reply) => {
    const { pubkeys } = parseBatch(request.body)
    const allowlist = current()
    let results = ''
    for (const entry of pubkeys) {
      if (results !== '') results += ','
      results += answerEntry(allowlist, entry, nowSeconds)
    }
    sendAtOnce(reply, { status: 200, headers: JSON_HEADERS, body: `{"results":[${results}]}` })
  })
}

function parseBatch(body: unknown): z.infer<typeof batchSchema> {
  const result = batchSchema.safeParse(body)
  if (result.success) return result.data
  const tooMany = result.error.issues[0]?.code === 'too_big'
  throw new HttpError(
    400,
    tooMany ? 'too_many_pubkeys' : 'invalid_body',
    tooMany
      ? `"pubkeys" has more than ${MAX_KEYS} entries: ask in several requests`
      : 'the body must be {"pubkeys": ["npub1…", …]}',
  )
}

/** One result as JSON. A secret, and what is no text of a sensible length, is not repeated. */
function answerEntry(allowlist: Allowlist, entry: unknown, nowSeconds: () => number): string {
  // A key in one of the two plain forms, as nearly all are, has nothing to escape.
  if (typeof entry === 'string' && readPlainPubkey(entry, key)) {
    const { code } = judgeWords(allowlist, key, nowSeconds)
    return `{"pubkey":"${entry}","is_whitelisted":${code === 'listed'}}`
  }
  const result = parsePubkey(entry)
  if (!result.ok && UNREPEATED.has(result.code)) {
    return `{"pubkey":null,"is_whitelisted":false,"code":"${result.code}"}`
  }
  // Asked alone, an empty text is refused: whatever the list holds, it is not on it.
  const listed = entry !== '' && isListed(allowlist, String(entry), nowSeconds, result)
  const code = result.ok || listed ? '' : `,"code":"${result.code}"`
  return `{"pubkey":${JSON.stringify(entry)},"is_whitelisted":${listed}${code}}`
}

const key = new Uint32Array(WORDS_PER_KEY)

const UNREPEATED = new Set<PubkeyErrorCode>(['secret_key', 'not_a_string', 'too_long'])
