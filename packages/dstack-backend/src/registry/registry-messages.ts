import { STATUS_CODES } from 'node:http'
import { describeNoAnswer } from '../requests/no-answer.js'
import type { RegistryReply } from './registry-client.js'

/** One sentence for a person: what the registry did with `request`, in its own words, and what to do. */
export function describeReply(request: string, reply: RegistryReply): string {
  if (reply.kind === 'no_answer') {
    return `the registry ${describeNoAnswer(reply.code, 'REGISTRY_URL')} (${request}: ${reply.code})`
  }
  const answer = `the registry answered ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`.trim()
  const words = reply.words === '' ? 'it gave no reason' : `it says "${reply.words}"`
  const advice = advise(reply.status, reply.location)
  return `${answer} to ${request}: ${words}${advice === '' ? '' : `; ${advice}`}`
}

function advise(status: number, location: string | undefined): string {
  if (status >= 300 && status < 400) {
    return `set REGISTRY_URL to where it points${location === undefined ? '' : `, ${location}`}`
  }
  if (status === 401 || status === 403) return "ask the registry's operator to admit this owner"
  if (status === 404 || status === 405) return 'check REGISTRY_URL'
  if (status === 400 || status === 422) return 'check OWNER_ADDRESS and NODE_TYPE'
  return ''
}
