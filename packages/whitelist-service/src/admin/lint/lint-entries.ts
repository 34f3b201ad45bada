import { parsePubkey, type PubkeyErrorCode } from '@dstack-node/service-kit/pubkey'
import { addKey, createKeyTable, type KeyTable } from '../../list/key-table.js'
import { formatTime } from '../../time-text.js'
import { scanItems, type Item } from '../editing/json-items.js'
import { doubtAbout } from './key-doubt.js'
import type { Finding } from './finding.js'
import { createLineCounter } from './line-counter.js'

/** The array of entries, and what the list says of keys elsewhere. */
export interface EntriesToLint {
  text: string
  /** Where the array begins. */
  start: number
  /** How many entries it has. */
  count: number
  /** The line of the ban of a key; undefined for one that is not banned. */
  banLineOf: (pubkey: string) => number | undefined
  /** When a key expires, in seconds since 1970; Infinity for never. */
  expiryOf: (pubkey: string) => number
  nowSeconds: number
  /** Is told how many entries are done, now and then. */
  onProgress?: ((done: number) => void) | undefined
}

const PROGRESS_STEP = 10_000
const MATCHED =
  'it matches only a question to /api/whitelist spelled exactly so: mend it, or take it out'
const UNMATCHED = 'nothing matches it: mend it, or take it out'
const ADVICE: Partial<Record<PubkeyErrorCode, string>> = {
  secret_key: 'take it out, and put its npub1… there instead',
  not_a_string: 'put a key in quotes there, or take it out',
  // Questions are not as long.
  too_long: UNMATCHED,
}

/** What is doubtful about the entries of `pubkeys`, in their order, and the keys that are among them. */
export function lintEntries(entries: EntriesToLint): { findings: Finding[]; keys: KeyTable } {
  const { text, start, count, onProgress } = entries
  const keys = createKeyTable(count)
  const lintKey = createKeyLint(entries, keys)
  const lineAt = createLineCounter(text)
  const findings: Finding[] = []
  scanItems(text, start, (item) => {
    const place = { field: 'pubkeys', index: item.index, line: lineAt(item.start) } as const
    const isText = text.charAt(item.valueStart) === '"'
    const result = parsePubkey(isText ? item.text : undefined)
    if (result.ok) findings.push(...lintKey(result.pubkey, item, place))
    else findings.push({ ...place, ...explainRefusal(result, item) })
    if ((item.index + 1) % PROGRESS_STEP === 0) onProgress?.(item.index + 1)
    return false
  })
  return { findings, keys }
}

type Place = Pick<Finding, 'field' | 'index'> & { line: number }

function explainRefusal(
  { code, message }: { code: PubkeyErrorCode; message: string },
  { text }: Item,
) {
  const isFatal = code === 'secret_key' || code === 'not_a_string'
  // Blanks can be asked for, nothing at all can't.
  const isNothing = code === 'empty' && text === ''
  const advice = isNothing ? UNMATCHED : (ADVICE[code] ?? MATCHED)
  return { code, isFatal, message: `${message}; ${advice}` }
}

/** A function that tells what is doubtful about an entry that is a key. */
function createKeyLint(
  { text, count, banLineOf, expiryOf, nowSeconds }: EntriesToLint,
  keys: KeyTable,
): (pubkey: string, item: Item, place: Place) => Finding[] {
  // Of a million keys, numbers and no objects.
  const firsts = { index: new Uint32Array(count), line: new Uint32Array(count) }
  const spelled = { start: new Uint32Array(count), end: new Uint32Array(count) }

  function describeDuplicate(position: number, item: Item): string {
    const first = text.slice(spelled.start[position], spelled.end[position])
    const spelling = first === text.slice(item.start, item.end) ? '' : ', in another spelling'
    const place = `entry ${firsts.index[position]} (line ${firsts.line[position]})`
    return `the same key as ${place}${spelling}: keep one of them`
  }

  return (pubkey, item, place) => {
    const about = { ...place, pubkey, isFatal: false }
    const known = keys.size
    const position = addKey(keys, pubkey)
    if (position < known) {
      return [{ ...about, code: 'duplicate', message: describeDuplicate(position, item) }]
    }
    firsts.index[position] = item.index
    firsts.line[position] = place.line
    spelled.start[position] = item.start
    spelled.end[position] = item.end
    return lintPlacedKey(pubkey, banLineOf(pubkey), expiryOf(pubkey), nowSeconds).map((doubt) => ({
      ...about,
      ...doubt,
    }))
  }
}

function lintPlacedKey(
  pubkey: string,
  banLine: number | undefined,
  expiry: number,
  nowSeconds: number,
): Pick<Finding, 'code' | 'message'>[] {
  const doubts: Pick<Finding, 'code' | 'message'>[] = []
  const doubt = doubtAbout(pubkey)
  if (doubt) doubts.push(doubt)
  if (banLine !== undefined) {
    const message = `it is banned, too (line ${banLine}), and that wins: remove it, or unban it`
    doubts.push({ code: 'listed_and_banned', message })
  }
  if (nowSeconds >= expiry) {
    const message = `it expired at ${formatTime(expiry)}: add it again, or remove it`
    doubts.push({ code: 'expired', message })
  }
  return doubts
}
