import type { RegistryReply } from './registry-client.js'

/** Registered means: a 2xx answer that says `write.mode == "AllowAll"`. */
export function isAllowed(reply: RegistryReply): boolean {
  return isSuccess(reply) && reply.kind === 'answer' && reply.allowsAll
}

/** Whether it is any 2xx answer. */
export function isSuccess(reply: RegistryReply): boolean {
  return reply.kind === 'answer' && reply.status >= 200 && reply.status < 300
}

/** Whether it is a redirect, which is never followed. */
export function isRedirect(reply: RegistryReply): boolean {
  return reply.kind === 'answer' && reply.status >= 300 && reply.status < 400
}

/** Whether a post may have been applied without saying so: it met a conflict, or its answer was lost. */
export function isDoubtful(reply: RegistryReply): boolean {
  return reply.kind === 'no_answer' || reply.status === 409
}

/** Whether the same request may well succeed later. */
export function isTransient(reply: RegistryReply): boolean {
  if (reply.kind === 'no_answer') return true
  return [408, 425, 429].includes(reply.status) || reply.status >= 500
}

/** How long, in ms, the registry asks to be left alone; 0 when it doesn't, or when asking again won't help. */
export function waitOf(reply: RegistryReply): number {
  if (reply.kind === 'no_answer' || !isTransient(reply)) return 0
  return reply.retryAfterMs ?? 0
}
