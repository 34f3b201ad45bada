import {
  answerFirst,
  count,
  formatNpub,
  readPlainPubkey,
  type ReadyAnswer,
  type Tally,
} from '@dstack-node/service-kit'
import { formatHexKey, HEX_LENGTH, WORDS_PER_KEY } from '@dstack-node/service-kit/key-words'
import type { FastifyInstance } from 'fastify'
import type { Allowlist } from '../list/allowlist.js'
import type { ListEdition } from '../list/list-edition.js'
import { answerCheck } from './check.js'
import { answerUnchanged } from './list.js'
import { judgeWords } from '../list/verdict.js'
import { answerWhitelist } from './whitelist.js'

/** What the questions are answered from, and where the answers are counted. */
export interface PlainQuestionDependencies {
  allowlist: () => Allowlist
  edition: () => ListEdition
  nowSeconds: () => number
  tallyOf: (method: string, route: string) => Tally
}

/**
 * Answers what is asked all the time in its plain form before Fastify sees it: a single check of a key in
 * hex or npub, and whether the list is still the one that a reader has. The answers are those of the
 * routes; whatever is not plain goes on to them.
 */
export function answerPlainQuestions(
  app: FastifyInstance,
  dependencies: PlainQuestionDependencies,
): void {
  const { edition, tallyOf } = dependencies
  const keyQuestions: [string, Tally, AnswerKey][] = [
    ['/api/check?pubkey=', tallyOf('GET', '/api/check'), answerPlainCheck],
    ['/api/check/', tallyOf('GET', '/api/check/:pubkey'), answerPlainCheck],
    ['/api/whitelist?pubkey=', tallyOf('GET', '/api/whitelist'), answerPlainWhitelist],
  ]
  const listTally = tallyOf('GET', '/api/list')
  answerFirst(app, ({ method, url = '', headers }) => {
    if (method !== 'GET') return undefined
    if (url === '/api/list') {
      const unchanged = answerUnchanged(headers['if-none-match'], edition(), 'file')
      if (unchanged) count(listTally, unchanged.status)
      return unchanged
    }
    for (const [start, tally, answerKey] of keyQuestions) {
      if (!url.startsWith(start)) continue
      const text = url.slice(start.length)
      if (!readPlainPubkey(text, key)) return undefined
      const answer = answerKey(text, dependencies)
      count(tally, answer.status)
      return answer
    }
    return undefined
  })
}

/** The key that is being asked about. */
const key = new Uint32Array(WORDS_PER_KEY)

/** Answers a question about `key`, which is spelled `text`. */
type AnswerKey = (text: string, dependencies: PlainQuestionDependencies) => ReadyAnswer

const answerPlainCheck: AnswerKey = (text, { allowlist, nowSeconds }) => {
  const list = allowlist()
  const isHex = text.length === HEX_LENGTH
  const pubkey = isHex ? text : formatHexKey(key)
  const npub = isHex ? formatNpub(text) : text
  return answerCheck(judgeWords(list, key, nowSeconds), { pubkey, npub }, list.version, nowSeconds)
}

const answerPlainWhitelist: AnswerKey = (text, { allowlist, nowSeconds }) => {
  const { code } = judgeWords(allowlist(), key, nowSeconds)
  return answerWhitelist(code === 'listed', `"${text}"`, true)
}
