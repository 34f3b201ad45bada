import type { FastifyInstance } from 'fastify'
import { sendError } from './http-error.js'

/**
 * Answers 405 where only another of these methods is answered, and else 404. It goes by the routes that are
 * added from then on.
 */
export function answerNotFound(app: FastifyInstance, methods: readonly string[]): void {
  const routes: { method: string; pattern: RegExp }[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, pattern: patternOf(url) })
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = methods.filter((method) =>
      routes.some((route) => route.method === method && route.pattern.test(path)),
    )
    if (allowed.length === 0) {
      const message = 'there is nothing at this address; GET / lists what there is'
      sendError(reply, 404, 'not_found', message)
      return
    }
    reply.header('allow', allowed.join(', '))
    const words = allowed.join(', ').replace(/, (\w+)$/, ' and $1')
    sendError(reply, 405, 'method_not_allowed', `this address answers ${words} only`)
  })
}

/** Of all addresses of a route: any text without a slash may stand for a parameter. */
function patternOf(url: string): RegExp {
  const literal = url.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replaceAll(/:[^/]+/g, '[^/]+')}$`)
}
