import { isSecretKey } from '@dstack-node/service-kit/pubkey'
import * as z from 'zod'
import { lineOf } from './json-place.js'

/** Longest texts that the list may hold about a key, in characters. */
export const MAX_LABEL_LENGTH = 200
export const MAX_REASON_LENGTH = 500

/** The last second of the year 9999: milliseconds, taken for seconds, lie beyond it. */
const LAST_SECOND = 253_402_300_799

const seconds = z.int().min(0).max(LAST_SECOND)
/** RFC 3339 with an offset, or seconds since 1970, as Nostr counts; the result is in seconds. */
const expirySchema = z.union([
  seconds,
  z.iso
    .datetime({ offset: true })
    .transform((text) => Math.floor(Date.parse(text) / 1000))
    .pipe(seconds),
])
const note = textOf(MAX_REASON_LENGTH)
const keyMetaSchema = z.object({
  label: textOf(MAX_LABEL_LENGTH),
  reason: note,
  expires_at: expirySchema.optional(),
  added_at: note,
  added_by: note,
})
const banSchema = z.object({ reason: note, banned_at: note, banned_by: note })

/** The form of `whitelist.json`. Fields of other names belong to others and are left alone. */
export const documentSchema = z.object({
  pubkeys: z.array(z.string()),
  meta: z.record(z.string(), keyMetaSchema).default({}),
  banned: z.record(z.string(), banSchema).default({}),
})

/** A text that may be missing. A label is shown to whoever asks, so a secret must not get that far. */
function textOf(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((text) => !isSecretKey(text))
    .optional()
}

const EXAMPLE = '{"pubkeys": ["npub1…", …]}'
const RULES: Record<string, string> = {
  expires_at: 'must be like "2026-12-31T00:00:00Z", or whole seconds since 1970',
  label: `must be a text of at most ${MAX_LABEL_LENGTH} characters`,
}

/** Says what is wrong with a document, and where in its text, without repeating what stands there. */
export function describeShape(text: string, issue: z.core.$ZodIssue | undefined): string {
  const [field, entry, property] = issue?.path ?? []
  if (field === undefined) return `the file must hold a JSON object, like ${EXAMPLE}`
  if (field === 'pubkeys') {
    if (typeof entry !== 'number') return `"pubkeys" must be an array of strings, like ${EXAMPLE}`
    return `entry ${entry} (line ${lineOf(text, ['pubkeys', entry])}) must be a string`
  }
  const name = String(field)
  if (typeof entry !== 'string') {
    return `"${name}" (line ${lineOf(text, [name])}) must be an object, like {"<hex>": {…}}`
  }
  const line = lineOf(text, [name, entry, ...(typeof property === 'string' ? [property] : [])])
  if (typeof property !== 'string') return `a value in "${name}" (line ${line}) must be an object`
  const place = `${property} in "${name}" (line ${line})`
  if (issue?.code === 'custom') {
    return `${place} holds a SECRET key: take it out, and treat the secret as leaked`
  }
  return `${place} ${RULES[property] ?? `must be a text of at most ${MAX_REASON_LENGTH} characters`}`
}
