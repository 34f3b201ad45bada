import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { READABLE_BY_ANYONE } from './cors.js'

/** How often a route has answered with each status. */
export type Tally = Map<number, number>

declare module 'fastify' {
  interface FastifyReply {
    /** Of the reply's route; null where it is not counted. */
    tally?: Tally | null
  }
}

/** The headers of an answer: a name, its value, the next name, and so on. */
export type FlatHeaders = readonly string[]

/** The headers of a JSON answer that anybody may read. */
export const JSON_HEADERS: FlatHeaders = [
  'content-type',
  'application/json; charset=utf-8',
  ...READABLE_BY_ANYONE,
]

/** An answer that is ready to be sent. */
export interface ReadyAnswer {
  status: number
  /** All but the length. */
  headers: FlatHeaders
  /** Undefined for a status that has no body. */
  body?: string | Uint8Array
  /** Whether the body is a text of ASCII characters alone, which need no encoding. */
  isAscii?: boolean
}

/**
 * Sends an answer past Fastify's reply, with a head that is not put together piece by piece: for the few
 * routes that are asked all the time. The `onSend` hooks do not run.
 */
export function sendAtOnce(reply: FastifyReply, answer: ReadyAnswer): void {
  if (reply.tally) count(reply.tally, answer.status)
  reply.hijack()
  writeAnswer(reply.raw, answer)
}

/**
 * Lets `answer` look at each request before Fastify does; where it returns an answer, that is all. It is
 * for the plainest form of what is asked most: finding the route and making Fastify's request and reply
 * costs more than such an answer does.
 */
export function answerFirst(
  app: FastifyInstance,
  answer: (request: IncomingMessage) => ReadyAnswer | undefined,
): void {
  const [fastify] = app.server.listeners('request') as RequestListener[]
  app.server.removeAllListeners('request')
  app.server.on('request', (request, response) => {
    let ready: ReadyAnswer | undefined
    try {
      ready = answer(request)
    } catch {
      // What fails here fails in the route too, which says so.
    }
    if (ready) writeAnswer(response, ready)
    else fastify?.(request, response)
  })
}

function writeAnswer(response: ServerResponse, answer: ReadyAnswer): void {
  const { status, headers, body, isAscii = false } = answer
  if (body === undefined) {
    response.writeHead(status, [...headers])
    response.end()
    return
  }
  // A string goes out in one piece with the head.
  const length = isAscii ? body.length : Buffer.byteLength(body)
  response.writeHead(status, [...headers, 'content-length', String(length)])
  response.end(body, isAscii ? 'latin1' : 'utf8')
}

/** Adds one to a tally of answers by status. */
export function count(tally: Tally, status: number): void {
  tally.set(status, (tally.get(status) ?? 0) + 1)
}
