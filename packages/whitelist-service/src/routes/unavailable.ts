import { HttpError } from '@dstack-node/service-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * For routes whose status code lets people in: whatever goes wrong inside is 503, which no gate takes for
 * a yes.
 */
export function answerUnavailable(
  error: unknown,
  _request: FastifyRequest,
  reply: FastifyReply,
): never {
  void reply.header('cache-control', 'no-store')
  if (error instanceof HttpError) throw error
  const message = 'the list can not be asked just now: let nobody in'
  throw new HttpError(503, 'list_unavailable', message, error)
}
