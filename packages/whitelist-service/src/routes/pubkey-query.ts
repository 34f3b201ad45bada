import {
  HttpError,
  isSecretKey,
  MAX_PUBKEY_LENGTH,
  parsePubkey,
  type PubkeyResult,
} from '@dstack-node/service-kit'
import * as z from 'zod'

/** The key in a question, in whatever spelling; a text that is no key is one too here. */
export const pubkeyQuerySchema = z.object({
  pubkey: z
    .string({
      error: ({ input }) =>
        input === undefined ? 'is missing: add ?pubkey=npub1…' : 'must be given once',
    })
    .min(1, 'is empty')
    .max(MAX_PUBKEY_LENGTH, `has more than ${MAX_PUBKEY_LENGTH} characters`)
    .refine((text) => !isSecretKey(text), {
      message: 'is a SECRET key: treat it as leaked, stop using it and make a new one',
      params: { code: 'secret_key' },
    }),
})

/** A question about a key: as it was asked, and what it means. */
export interface PubkeyQuestion {
  text: string
  result: PubkeyResult
}

/** Reads `pubkey` in a query or path. Throws an HttpError 400 where there is no one text to look up. */
export function parsePubkeyQuery(query: unknown): PubkeyQuestion {
  const text = (query as { pubkey?: unknown }).pubkey
  const result = parsePubkey(text)
  // What is a key keeps all rules of the schema: only for the rest they need to be looked at.
  if (result.ok) return { text: text as string, result }
  const parsed = pubkeyQuerySchema.safeParse(query)
  if (parsed.success) return { text: parsed.data.pubkey, result }
  const issue = parsed.error.issues[0]
  const secret = issue?.code === 'custom'
  throw new HttpError(
    400,
    secret ? 'secret_key' : 'invalid_pubkey',
    `pubkey ${issue?.message ?? ''}`,
  )
}
