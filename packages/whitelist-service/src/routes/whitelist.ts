import { HttpError, isSecretKey, MAX_PUBKEY_LENGTH } from '@dstack-node/service-kit'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { isListed, type Allowlist } from '../allowlist.js'

const LIST_TYPE = 'application/json; charset=utf-8'

const querySchema = z.object({
  pubkey: z
    .string({
      error: ({ input }) =>
        input === undefined ? 'is missing: ask /api/whitelist?pubkey=npub1…' : 'must be given once',
    })
    .min(1, 'is empty')
    .max(MAX_PUBKEY_LENGTH, `has more than ${MAX_PUBKEY_LENGTH} characters`)
    .refine((text) => !isSecretKey(text), {
      message: 'is a SECRET key: treat it as leaked, stop using it and make a new one',
      params: { code: 'secret_key' },
    }),
})

/** `GET /api/whitelist` and `GET /api/list`: the two questions that callers have always asked. */
export function registerWhitelistRoutes(app: FastifyInstance, current: () => Allowlist): void {
  app.get('/api/whitelist', async (request) => {
    const pubkey = parseQuery(request.query)
    return { is_whitelisted: isListed(current(), pubkey), pubkey }
  })

  app.get('/api/list', async (_request, reply) => {
    return reply.type(LIST_TYPE).send(current().listBody)
  })
}

function parseQuery(query: unknown): string {
  const result = querySchema.safeParse(query)
  if (result.success) return result.data.pubkey
  const issue = result.error.issues[0]
  const secret = issue?.code === 'custom'
  throw new HttpError(
    400,
    secret ? 'secret_key' : 'invalid_pubkey',
    `pubkey ${issue?.message ?? ''}`,
  )
}
