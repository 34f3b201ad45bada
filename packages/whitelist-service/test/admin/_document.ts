import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import type { Change } from '../../src/admin/change.js'

export const KEYS = Array.from({ length: 4 }, makeKey)
export const NOW = new Date('2026-06-01T12:00:00.500Z')

type Fields = Record<string, unknown>
/** A list file as JSON.parse gives it. */
export interface Document {
  pubkeys: string[]
  meta?: Record<string, Fields>
  banned?: Record<string, Fields>
  [name: string]: unknown
}

const anyKey = fc.constantFrom(...KEYS)
const anyPubkey = anyKey.map(({ hex }) => hex)
const spelling = anyKey.chain(({ hex, npub, nprofile }) =>
  fc.constantFrom(
    ...[hex, hex.toUpperCase(), npub, npub.toUpperCase(), nprofile],
    ...[`nostr:${npub}`, `NOSTR:${hex}`, ` ${npub}\n`],
  ),
)
const junk = fc.constantFrom('', 'x', 'npub1x', 'é😀', '__proto__', '"\\', '\u2028')
const entry = fc.oneof({ weight: 3, arbitrary: spelling }, junk)

const expiry = fc.constantFrom(
  ...['2026-01-01T00:00:00Z', '2026-06-01T14:00:00+02:00', '2026-12-01T00:00:00.25Z'],
  ...[0, 1_780_315_200, 1_780_315_201, 1_800_000_000],
)
const text = fc.constantFrom('a', 'machine é', '"quoted"', '\\', '\ud83d\ude00')
const unknownFields = fc.dictionary(
  fc.constantFrom('note', '__proto__', 'constructor', '1', 'pubkeys', 'meta'),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 },
)
function withUnknown(fields: fc.Arbitrary<object>): fc.Arbitrary<Fields> {
  return fc
    .tuple(fields, unknownFields, fc.boolean())
    .map(([own, others, first]) => (first ? { ...others, ...own } : { ...own, ...others }))
}
const metaFields = withUnknown(
  fc.record(
    { label: text, reason: text, expires_at: expiry, added_at: text, added_by: text },
    { requiredKeys: [] },
  ),
)
const banFields = withUnknown(
  fc.record({ reason: text, banned_at: text, banned_by: text }, { requiredKeys: [] }),
)
/** One name for each key at most: a file that names one twice is refused. */
function byKey(fields: fc.Arbitrary<Fields>): fc.Arbitrary<Record<string, Fields>> {
  return fc
    .uniqueArray(fc.tuple(spelling, fields), { selector: ([name]) => hexOf(name) })
    .map((entries) => Object.fromEntries(entries))
}

const anyDocument: fc.Arbitrary<Document> = fc
  .tuple(
    fc.array(entry, { maxLength: 8 }),
    fc.option(byKey(metaFields), { nil: undefined }),
    fc.option(byKey(banFields), { nil: undefined }),
    fc.dictionary(fc.constantFrom('version', '__proto__', '7', 'Pubkeys'), fc.jsonValue()),
    fc.constantFrom(0, 1, 2, 3),
  )
  .map(([pubkeys, meta, banned, others, turn]) => {
    const own: [string, unknown][] = [['pubkeys', pubkeys]]
    if (meta) own.push(['meta', meta])
    if (banned) own.push(['banned', banned])
    const all = [...Object.entries(others), ...own]
    return Object.fromEntries([...all.slice(turn), ...all.slice(0, turn)]) as Document
  })

const optionalText = fc.option(fc.oneof(text, fc.constantFrom('', ' ', 'two\nlines')), {
  nil: undefined,
})

/** Any changes, of few keys, so that they meet. */
export const anyChanges: fc.Arbitrary<Change[]> = fc.array(
  fc.oneof(
    fc
      .tuple(
        anyKey,
        fc.nat(2),
        optionalText,
        optionalText,
        fc.option(fc.constantFrom(0, 1_780_315_200, 1_900_000_000), { nil: undefined }),
      )
      .map(([key, form, label, reason, expiresAt]): Change => {
        const spelled = [undefined, key.npub, key.nprofile][form]
        return { action: 'allow', pubkey: key.hex, spelling: spelled, label, reason, expiresAt }
      }),
    fc.tuple(anyPubkey, optionalText).map(([pubkey, reason]): Change => {
      return { action: 'unallow', pubkey, reason }
    }),
    fc.tuple(anyPubkey, optionalText).map(([pubkey, reason]): Change => {
      return { action: 'ban', pubkey, reason }
    }),
    fc.tuple(anyPubkey, optionalText).map(([pubkey, reason]): Change => {
      return { action: 'unban', pubkey, reason }
    }),
  ),
  { maxLength: 6 },
)

/** The text of any valid list file, set in any way: white space anywhere, any string escaped. */
export const anyListFile: fc.Arbitrary<string> = fc
  .tuple(
    anyDocument,
    fc.infiniteStream(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant('') },
        fc.constantFrom(' ', '\n', '\r\n  ', '\t', '\r', '\n    '),
      ),
    ),
    fc.infiniteStream(fc.nat(9)),
    fc.constantFrom('', '\ufeff'),
  )
  .map(([document, blanks, dice, start]) => {
    const next = <T>(stream: Iterator<T>) => stream.next().value as T
    const write = (value: unknown): string => next(blanks) + writeBare(value) + next(blanks)
    const writeBare = (value: unknown): string => {
      if (typeof value === 'string') return next(dice) === 0 ? escape(value) : JSON.stringify(value)
      if (typeof value !== 'object' || value === null) return JSON.stringify(value)
      if (Array.isArray(value)) return `[${value.map(write).join(',') || next(blanks)}]`
      const properties = Object.entries(value).map(
        ([name, item]) => `${write(name)}:${write(item)}`,
      )
      return `{${properties.join(',') || next(blanks)}}`
    }
    return start + write(document)
  })

function escape(value: string): string {
  const codes = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at))
  return `"${codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"`
}

/** What the changes make of a document, done in the simplest way there is. */
export function changeDocument(
  document: Document,
  changes: readonly Change[],
  by: string,
): Document {
  const result = structuredClone(document)
  for (const change of changes) changeOnce(result, change, by)
  return result
}

function changeOnce(document: Document, change: Change, by: string): void {
  const { action, pubkey } = change
  const now = '2026-06-01T12:00:00Z'
  if (action === 'unban' || action === 'allow') forget(document.banned, pubkey)
  if (action === 'unallow' || action === 'ban') {
    document.pubkeys = document.pubkeys.filter((entry) => hexOf(entry) !== pubkey)
    forget(document.meta, pubkey)
  }
  if (action === 'ban') {
    const old = fieldsIn(document.banned, pubkey)
    const fields = old ?? put(document, 'banned', pubkey, {})
    if (change.reason?.trim()) fields['reason'] = change.reason.replace('\n', ' ')
    if (!old) Object.assign(fields, { banned_at: now, banned_by: by })
  }
  if (action !== 'allow') return
  const isNew = !document.pubkeys.some((entry) => hexOf(entry) === pubkey)
  const fields = fieldsIn(document.meta, pubkey) ?? {}
  if (change.label?.trim()) fields['label'] = change.label.replace('\n', ' ')
  if (change.reason?.trim()) fields['reason'] = change.reason.replace('\n', ' ')
  const expiry = secondsOf(fields['expires_at'])
  if (change.expiresAt !== undefined && change.expiresAt !== expiry) {
    fields['expires_at'] = new Date(change.expiresAt * 1000).toISOString().replace('.000Z', 'Z')
  } else if (change.expiresAt === undefined && expiry !== undefined) {
    if (expiry * 1000 <= NOW.getTime()) delete fields['expires_at']
  }
  if (isNew) {
    document.pubkeys.push(change.spelling ?? pubkey)
    Object.assign(fields, { added_at: now, added_by: by })
  }
  const isThere = fieldsIn(document.meta, pubkey) !== undefined
  if (!isThere && Object.keys(fields).length > 0) put(document, 'meta', pubkey, fields)
}

function put(document: Document, name: 'meta' | 'banned', pubkey: string, fields: Fields): Fields {
  document[name] ??= {}
  document[name][pubkey] = fields
  return fields
}

function fieldsIn(part: Record<string, Fields> | undefined, pubkey: string): Fields | undefined {
  const name = Object.keys(part ?? {}).find((spelled) => hexOf(spelled) === pubkey)
  return name === undefined ? undefined : part?.[name]
}

function forget(part: Record<string, Fields> | undefined, pubkey: string): void {
  for (const name of Object.keys(part ?? {})) if (hexOf(name) === pubkey) delete part?.[name]
}

function secondsOf(expiry: unknown): number | undefined {
  if (expiry === undefined) return undefined
  return typeof expiry === 'number' ? expiry : Math.floor(Date.parse(expiry as string) / 1000)
}

function hexOf(text: string): string {
  const result = parsePubkey(text)
  return result.ok ? result.pubkey : text
}
