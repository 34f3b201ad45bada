import type { FastifyInstance } from 'fastify'
import { count, type Tally } from './http-answer.js'

/** How often each route has answered with each status. */
export interface AnswerTallies {
  /** The tally of a route, for whoever answers in its place. */
  of: (method: string, route: string) => Tally
  all: () => readonly RouteTally[]
}

interface RouteTally {
  method: string
  /** The template, never what was asked. */
  route: string
  tally: Tally
}

/** Counts all answers of the routes that are added from then on, by method, route template and status. */
export function tallyAnswers(app: FastifyInstance): AnswerTallies {
  const tallies: RouteTally[] = []
  const tallyOf = (method: string, route: string) => {
    const known = tallies.find((one) => one.method === method && one.route === route)
    if (known) return known.tally
    const tally: Tally = new Map()
    tallies.push({ method, route, tally })
    return tally
  }
  app.decorateReply('tally', null)
  // Plain numbers for each route: a library's counter would hash its labels each time, and an
  // `onResponse` hook costs as much as a short answer's handler.
  app.addHook('onRoute', (route) => {
    const tally = tallyOf([route.method].flat().join(','), route.url)
    const { handler } = route
    route.handler = function (request, reply) {
      reply.tally = tally
      return handler.call(this, request, reply)
    }
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    // Without a tally it never came to a handler: there is none, or the body could not be read.
    const { method, routeOptions } = request
    count(reply.tally ?? tallyOf(method, routeOptions.url ?? 'unknown'), reply.statusCode)
    done(null, payload)
  })
  return { of: tallyOf, all: () => tallies }
}
