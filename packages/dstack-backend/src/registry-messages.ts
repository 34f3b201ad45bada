import { STATUS_CODES } from 'node:http'
import type { RegistryReply } from './registry-client.js'

const NO_ANSWER: Record<string, string> = {
  ECONNREFUSED: 'refused the connection: is it running, and is REGISTRY_URL right?',
  ENOTFOUND: 'has a name that does not resolve: check REGISTRY_URL and DNS',
  EAI_AGAIN: 'has a name that does not resolve now: check DNS',
  ETIMEDOUT: 'did not answer in time',
  ECONNRESET: 'ended the connection without an answer',
  UND_ERR_SOCKET: 'ended the connection without an answer',
  EHOSTUNREACH: 'is not reachable from this machine: check the network',
  ENETUNREACH: 'is not reachable from this machine: check the network',
  CERT_HAS_EXPIRED: 'has a certificate that has expired: renew it there',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet: check both clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'has a certificate that nobody vouches for: set NODE_EXTRA_CA_CERTS to its CA file',
  SELF_SIGNED_CERT_IN_CHAIN:
    'has a certificate from an unknown CA: set NODE_EXTRA_CA_CERTS to its CA file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'has a certificate from an unknown CA: set NODE_EXTRA_CA_CERTS to its CA file',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name: check REGISTRY_URL',
}

/** One sentence for a person: what the registry did with `request`, in its own words, and what to do. */
export function describeReply(request: string, reply: RegistryReply): string {
  if (reply.kind === 'no_answer') {
    return `the registry ${NO_ANSWER[reply.code] ?? 'could not be reached'} (${request}: ${reply.code})`
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
