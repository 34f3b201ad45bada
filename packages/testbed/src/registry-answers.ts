import { jsonAnswer, type Answer } from './http-answers.js'
import { isPubkey, parseRegistration, type Worker } from './registry-workers.js'
import type { ReadRequest } from './request-log.js'

/** What the registry remembers. */
export interface RegistryState {
  workers: Map<string, Worker>
  /** The keys that may read and write. */
  permitted: Set<string>
}

export function permissionAnswer({ permitted }: RegistryState, pubkey: string): Answer {
  if (!isPubkey(pubkey)) return errorAnswer(400, 'the key must be 64 lower-case hex digits')
  if (!permitted.has(pubkey)) return errorAnswer(404, 'no permission for this key')
  return jsonAnswer(200, { read: { mode: 'AllowAll' }, write: { mode: 'AllowAll' } })
}

/** Remembers the worker of a valid request, and answers it. */
export function registerAnswer(state: RegistryState, request: ReadRequest): Answer {
  if (request.tooLarge) return errorAnswer(413, 'the body is too large')
  const type = request.seen.headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    return errorAnswer(415, 'the content type must be application/json')
  }
  const registration = parseRegistration(request.seen.body)
  if (typeof registration === 'string') return errorAnswer(400, registration)
  const { pubkey, owner, node_type } = registration
  if (state.workers.has(pubkey)) return errorAnswer(409, 'this worker is registered already')
  state.workers.set(pubkey, { owner, node_type })
  state.permitted.add(pubkey)
  return jsonAnswer(201, { pubkey, owner, node_type })
}

export function errorAnswer(status: number, error: string): Answer {
  return jsonAnswer(status, { error })
}
