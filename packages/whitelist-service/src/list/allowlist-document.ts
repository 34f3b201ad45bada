import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { describeShape, documentSchema } from './document-schema.js'
import { describeSyntax, lineOf } from './json-place.js'
import { findRepeatedName } from './repeated-name.js'

export { MAX_LABEL_LENGTH, MAX_REASON_LENGTH } from './document-schema.js'

/** What the list says about one of its keys. */
export interface KeyMeta {
  label?: string | undefined
  reason?: string | undefined
  /** Seconds since 1970. */
  expires_at?: number | undefined
  added_at?: string | undefined
  added_by?: string | undefined
}

/** Why and since when a key is banned. */
export interface Ban {
  reason?: string | undefined
  banned_at?: string | undefined
  banned_by?: string | undefined
}

/** What `whitelist.json` holds; `meta` and `banned` by key, as 64 lower-case hex digits. */
export interface AllowlistDocument {
  pubkeys: string[]
  meta: ReadonlyMap<string, KeyMeta>
  banned: ReadonlyMap<string, Ban>
}

/** Why a text is no list; the message says where and never repeats what stands there. */
export class AllowlistFormatError extends Error {
  override readonly name = 'AllowlistFormatError'
}

/** Reads the text of `whitelist.json`. Throws an AllowlistFormatError that says where it is wrong. */
export function parseAllowlistDocument(bytes: Uint8Array): AllowlistDocument {
  const text = decodeText(bytes)
  const document = parseJson(text)
  assertNoneTwice(text, document)
  const result = documentSchema.safeParse(document)
  if (!result.success) {
    throw new AllowlistFormatError(describeShape(text, result.error.issues[0]))
  }
  const { pubkeys, meta, banned } = result.data
  const names = (field: 'meta' | 'banned') => Object.keys((document as Raw)[field] ?? {})
  return {
    pubkeys,
    meta: byKey(text, 'meta', names('meta'), meta),
    banned: byKey(text, 'banned', names('banned'), banned),
  }
}

/** A document whose form was checked. */
type Raw = Partial<Record<'meta' | 'banned', object>>

/** The line, counted from 1, on which the entry with this index begins. */
export function lineOfEntry(bytes: Uint8Array, index: number): number {
  return lineOf(decodeText(bytes), ['pubkeys', index])
}

/** Throws where JSON.parse took the last of two fields of ours, and dropped what the first one says. */
function assertNoneTwice(text: string, document: unknown): void {
  const repeated = findRepeatedName(text, document, ([field = '', ...rest]) =>
    rest.length === 0 ? OWN_FIELDS.has(field) : field === 'meta' || field === 'banned',
  )
  if (!repeated) return
  const { path, line } = repeated
  const [field = '', ...rest] = path
  const what = rest.length === 0 ? `"${field}"` : `a name in "${field}"`
  throw new AllowlistFormatError(`${what} (line ${line}) stands there twice: keep one of them`)
}

const OWN_FIELDS = new Set(['pubkeys', 'meta', 'banned'])

/**
 * Throws unless each name is a public key, and each key named once. `names` are those that stand in the
 * file: zod leaves out `__proto__`.
 */
function byKey<T>(
  text: string,
  field: string,
  names: readonly string[],
  entries: Partial<Record<string, T>>,
): Map<string, T> {
  const byPubkey = new Map<string, T>()
  for (const name of names) {
    const result = parsePubkey(name)
    const place = () => `a name in "${field}" (line ${lineOf(text, [field, name])})`
    if (!result.ok) throw new AllowlistFormatError(`${place()}: ${result.message}`)
    if (byPubkey.has(result.pubkey)) {
      throw new AllowlistFormatError(
        `${place()}: the same key stands there twice: keep one of them`,
      )
    }
    const value = entries[name]
    if (value !== undefined) byPubkey.set(result.pubkey, value)
  }
  return byPubkey
}

function decodeText(bytes: Uint8Array): string {
  try {
    // TextDecoder drops a byte order mark by itself.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AllowlistFormatError('the file is not UTF-8 text: save it as UTF-8')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error's own text repeats a piece of the file, which may be a secret; its position varies
    // from one Node to the next.
    throw new AllowlistFormatError(describeSyntax(text))
  }
}
