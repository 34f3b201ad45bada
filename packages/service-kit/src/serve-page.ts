import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Page } from './page/create-page.js'
import { prefersHtml } from './prefers-html.js'

/**
 * A hook for the route of an address that is both: a page to a browser, and what the route answers to
 * everybody else. The page is loaded when the first browser comes. Either answer says what it depends on.
 */
export function servePage(
  load: () => Promise<Page>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    reply.header('vary', 'accept')
    if (!prefersHtml(request.headers.accept)) return
    const { headers, body } = await load()
    return reply.headers(headers).send(body)
  }
}
