import { STATUS_CODES } from 'node:http'
import { describeNoAnswer } from '../requests/no-answer.js'
import type { WhitelistReply } from './whitelist-client.js'

type Problem = Exclude<WhitelistReply, { kind: 'verdict' }>

/** One sentence for a person: what the whitelist service did, and what to do. */
export function describeProblem(reply: Problem): string {
  if (reply.kind === 'no_answer') {
    const what = describeNoAnswer(reply.code, 'WHITELIST_URL')
    return `the whitelist service ${what} (${reply.request}: ${reply.code})`
  }
  const { status, request } = reply
  const answer = `${status} ${STATUS_CODES[status] ?? ''}`.trim()
  return `the whitelist service answered ${answer} to ${request}: ${advise(reply)}`
}

function advise({ status, location }: Problem & { kind: 'no_verdict' }): string {
  if (status >= 300 && status < 400) {
    return `set WHITELIST_URL to where it points${location === undefined ? '' : `, ${location}`}`
  }
  if (status === 401) return 'it wants credentials: write them into WHITELIST_URL'
  if (status === 403) return 'something before it lets nobody in: ask its operator'
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return "see the service's log, or ask its operator"
  }
  return 'that is no whitelist service: check WHITELIST_URL'
}
