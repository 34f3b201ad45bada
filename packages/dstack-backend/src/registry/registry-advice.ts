import type { RegistryReply } from './registry-client.js'

const REACH = 'See that the registry runs, and that this machine reaches it at REGISTRY_URL.'

const NO_ANSWER: Record<string, string> = {
  ECONNREFUSED: 'Start the registry, or set REGISTRY_URL to where it listens.',
  ENOTFOUND: 'Correct the name of the host in REGISTRY_URL, or in DNS.',
  EAI_AGAIN: 'See that this machine reaches its DNS server.',
}

/** What to do when a reply of the registry did not help, as an instruction. */
export function adviseRegistry(reply: RegistryReply): string {
  if (reply.kind === 'no_answer') {
    if (/CERT|SIGNATURE/.test(reply.code)) {
      return 'Mend the certificate, or set NODE_EXTRA_CA_CERTS to the file of its CA.'
    }
    return NO_ANSWER[reply.code] ?? REACH
  }
  const { status, location } = reply
  if (status >= 300 && status < 400) {
    return `Set REGISTRY_URL to where it points${location === undefined ? '' : `: ${location}`}.`
  }
  if (status === 400 || status === 422) return 'Correct OWNER_ADDRESS or NODE_TYPE.'
  if (status === 401 || status === 403) return "Ask the registry's operator to admit this owner."
  if (status === 404 || status === 405) return 'Set REGISTRY_URL to the base URL of the registry.'
  if (status === 409) {
    return "Ask the registry's operator why this worker may not write, although it is known."
  }
  return "Wait and try again; if it lasts, ask the registry's operator."
}
