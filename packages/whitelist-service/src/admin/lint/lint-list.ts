import { AllowlistFormatError } from '../../list/allowlist-document.js'
import { parseAllowlist, type Allowlist } from '../../list/allowlist.js'
import { findKey, MAX_KEYS } from '../../list/key-table.js'
import type { Finding } from './finding.js'
import { lintEntries, type EntriesToLint } from './lint-entries.js'
import { lintNames } from './lint-names.js'
import { lintShape } from './lint-shape.js'
import { decodeDocument, findFields, type Fields, type JsonDocument } from './list-fields.js'

/** What is doubtful about a list. */
export interface LintReport {
  /** In the order of their lines. */
  findings: Finding[]
  /** How many entries `pubkeys` has, as far as there is one. */
  entryCount: number
}

type LintOptions = Pick<EntriesToLint, 'nowSeconds' | 'onProgress'>

/** Finds everything that is doubtful in the bytes of `whitelist.json`, whatever they are. */
export function lintList(bytes: Uint8Array, options: LintOptions): LintReport {
  const { allowlist, problem } = tryParse(bytes)
  const document = decodeDocument(bytes)
  const { findings, entryCount } = document
    ? lintDocument(document, allowlist, options)
    : { findings: [], entryCount: 0 }
  // Whatever the service does not take, and nothing else explains.
  if (problem !== undefined && !findings.some(({ isFatal }) => isFatal)) {
    findings.push({ code: 'not_a_list', isFatal: true, message: problem })
  }
  return { findings: findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)), entryCount }
}

function tryParse(bytes: Uint8Array): { allowlist?: Allowlist; problem?: string } {
  try {
    return { allowlist: parseAllowlist(bytes) }
  } catch (error) {
    if (!(error instanceof AllowlistFormatError)) throw error
    return { problem: error.message }
  }
}

function lintDocument(
  document: JsonDocument,
  allowlist: Allowlist | undefined,
  options: LintOptions,
): LintReport {
  const { text } = document
  const { fields, findings } = findFields(text)
  const banned = lintNamesOf('banned', text, fields)
  const meta = lintNamesOf('meta', text, fields)
  const entryCount = countEntries(document)
  const entries = lintEntriesOf(fields, {
    ...{ text, count: entryCount, ...options },
    banLineOf: (pubkey) => banned.lines.get(pubkey),
    expiryOf: (pubkey) => allowlist?.expiries[findKey(allowlist.keys, pubkey)] ?? Infinity,
  })
  const isListed = (pubkey: string) => !entries || findKey(entries.keys, pubkey) !== -1
  const unlisted = [...meta.lines].filter(([pubkey]) => !isListed(pubkey))
  return {
    entryCount,
    findings: [
      ...findings,
      ...(allowlist ? [] : lintShape(document)),
      ...(entries?.findings ?? []),
      ...banned.findings,
      ...meta.findings,
      ...unlisted.map(([pubkey, line]) => describeUnlisted(pubkey, line, banned.lines.has(pubkey))),
    ],
  }
}

function countEntries({ value }: JsonDocument): number {
  const pubkeys = value['pubkeys']
  return Array.isArray(pubkeys) ? pubkeys.length : 0
}

function lintNamesOf(field: 'meta' | 'banned', text: string, fields: Fields) {
  const start = fields.get(field)?.valueStart
  if (start === undefined || text.charAt(start) !== '{') {
    return { findings: [], lines: new Map<string, number>() }
  }
  return lintNames({ text, start, field })
}

function lintEntriesOf(fields: Fields, entries: Omit<EntriesToLint, 'start'>) {
  const start = fields.get('pubkeys')?.valueStart
  if (start === undefined || entries.text.charAt(start) !== '[') return undefined
  // More than a list may have, which is told of the whole file, would only take memory.
  return entries.count > MAX_KEYS ? undefined : lintEntries({ ...entries, start })
}

function describeUnlisted(pubkey: string, line: number, isBanned: boolean): Finding {
  const why = isBanned ? 'is banned' : 'is not on the list'
  const message = `it is about a key that ${why}, and means nothing: remove that key`
  return { code: 'not_listed', isFatal: false, field: 'meta', line, pubkey, message }
}
