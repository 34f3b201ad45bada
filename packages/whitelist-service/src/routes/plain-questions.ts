import {
  answerFirst,
  count,
  parsePubkey,
  type ReadyAnswer,
  type Tally,
} from '@dstack-node/service-kit'
import type { FastifyInstance } from 'fastify'
import type { Allowlist } from '../allowlist.js'
import type { ListEdition } from '../list-edition.js'
import { answerCheck } from './check.js'
import { answerUnchanged } from './list.js'
import { answerWhitelist } from './whitelist.js'

/** What the questions are answered from, and where the answers are counted. */
export interface PlainQuestionDependencies {
  allowlist: () => Allowlist
  edition: () => ListEdition
  nowSeconds: () => number
  tallyOf: (method: string, route: string) => Tally
}

/** A key in hex has 64 characters, an npub 63. */
const KEY_QUESTION =
  /^(\/api\/check\?pubkey=|\/api\/check\/|\/api\/whitelist\?pubkey=)([0-9a-z]{63,64})$/

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
  const tallies: Record<string, Tally> = {
    '/api/check?pubkey=': tallyOf('GET', '/api/check'),
    '/api/check/': tallyOf('GET', '/api/check/:pubkey'),
    '/api/whitelist?pubkey=': tallyOf('GET', '/api/whitelist'),
    '/api/list': tallyOf('GET', '/api/list'),
  }
  answerFirst(app, ({ method, url = '', headers }) => {
    if (method !== 'GET') return undefined
    const [, question = url, text = ''] = KEY_QUESTION.exec(url) ?? []
    const answer =
      url === '/api/list'
        ? answerUnchanged(headers['if-none-match'], edition(), 'file')
        : answerKeyQuestion(question, text, dependencies)
    const tally = answer && tallies[question]
    if (tally) count(tally, answer.status)
    return answer
  })
}

function answerKeyQuestion(
  question: string,
  text: string,
  { allowlist, nowSeconds }: PlainQuestionDependencies,
): ReadyAnswer | undefined {
  const result = parsePubkey(text)
  if (!result.ok) return undefined
  if (question.startsWith('/api/check')) {
    const npub = text.length === result.pubkey.length ? undefined : text
    return answerCheck(result.pubkey, allowlist(), nowSeconds, npub)
  }
  return answerWhitelist({ text, result }, allowlist(), nowSeconds)
}
