import { isSecretKey, parsePubkey } from '@dstack-node/service-kit/pubkey'
import { scanItems, type Item } from '../editing/json-items.js'
import type { Finding, ListField } from './finding.js'
import { createLineCounter } from './line-counter.js'

/** One of the objects that say something about keys. */
export interface NamesToLint {
  text: string
  /** Where the object begins. */
  start: number
  field: Exclude<ListField, 'pubkeys'>
}

const HEX_KEY = /^[0-9a-f]{64}$/
const SECRET = 'take it out, and treat the secret as leaked'

/**
 * What is doubtful about the names in `meta` or `banned`, and the keys that they name, with their lines. A
 * value that holds a secret key is told by the form of the document.
 */
export function lintNames({ text, start, field }: NamesToLint) {
  const lineAt = createLineCounter(text)
  const lines = new Map<string, number>()
  const findings: Finding[] = []
  scanItems(text, start, (item) => {
    const line = lineAt(item.start)
    const doubt = lintName(item, lines, line) ?? lintFields(text, item)
    if (doubt) findings.push({ field, line, ...doubt })
    return false
  })
  return { findings, lines }
}

type Doubt = Omit<Finding, 'field' | 'line'>

/** Keeps the line of the key, where it is one that is named for the first time. */
function lintName(
  { text: name }: Item,
  lines: Map<string, number>,
  line: number,
): Doubt | undefined {
  const result = parsePubkey(name)
  if (!result.ok) {
    const advice = isSecretKey(name) ? SECRET : 'mend it, or take it out'
    return { code: result.code, isFatal: true, message: `${result.message}; ${advice}` }
  }
  const { pubkey } = result
  const first = lines.get(pubkey)
  if (first !== undefined) {
    const message = `it names the same key as line ${first}: keep one of them`
    return { code: 'repeated_name', isFatal: true, pubkey, message }
  }
  lines.set(pubkey, line)
  if (HEX_KEY.test(name)) return undefined
  const message = 'other programs find it as 64 lower-case hex digits only: spell it so'
  return { code: 'name_spelling', isFatal: false, pubkey, message }
}

/** Of two fields of one name, JSON.parse would take the last without a word. */
function lintFields(text: string, { valueStart }: Item): Doubt | undefined {
  if (text.charAt(valueStart) !== '{') return undefined
  const names = new Set<string>()
  const { picked } = scanItems(text, valueStart, ({ text: name }) => {
    const isAgain = names.has(name)
    names.add(name)
    return isAgain
  })
  if (picked.length === 0) return undefined
  const message = 'one of its fields stands there twice: keep one of them'
  return { code: 'repeated_name', isFatal: true, message }
}
