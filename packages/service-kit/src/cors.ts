import type { FastifyInstance } from 'fastify'

/** What every answer says: any web page may read it (Fetch standard, CORS protocol). */
export const READABLE_BY_ANYONE = ['access-control-allow-origin', '*'] as const

/** What an answer says beside that whose headers tell something, like an `etag`: they may be read, too. */
export const HEADERS_READABLE = ['access-control-expose-headers', '*'] as const

/** `Authorization` must be named: `*` does not cover it. */
const ALLOWED_HEADERS = ['Authorization', 'Content-Type', 'If-Modified-Since', 'If-None-Match']

/**
 * Opens every answer to every web page, headers and all, and answers the question that a browser asks before
 * it sends anything unusual. A plugin would do it before the handler, where it costs a tenth of a short
 * answer.
 */
export function registerCors(app: FastifyInstance, methods: readonly string[]): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header(...READABLE_BY_ANYONE).header(...HEADERS_READABLE)
    done(null, payload)
  })
  app.options('*', (_request, reply) => {
    void reply
      .code(204)
      .header('access-control-allow-methods', methods.join(', '))
      .header('access-control-allow-headers', ALLOWED_HEADERS.join(', '))
      .header('access-control-max-age', '600')
      .send()
  })
}
