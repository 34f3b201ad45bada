import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { errorCode } from './error-code.js'
import type { Logger } from './logger.js'

/** An answer that refuses a request: the status, a stable lower_snake code, and words for a person. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly statusCode: number
  readonly code: string

  /** `cause` is for the log alone. */
  constructor(statusCode: number, code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.statusCode = statusCode
    this.code = code
  }
}

/** Answers a request whose handler threw; of anything unforeseen the client learns nothing. */
export function answerError(log: Logger, error: unknown, reply: FastifyReply): void {
  const status = statusOf(error)
  if (error instanceof HttpError) {
    if (error.cause !== undefined) log.error({ err: error.cause }, 'request failed')
    sendError(reply, status, error.code, error.message)
    return
  }
  if (status >= 500) log.error({ err: error }, 'request failed')
  sendError(reply, status)
}

/** What is thrown may be anything; only a status that is an error's counts. */
function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | null | undefined)?.statusCode
  return typeof status === 'number' && status >= 400 && status in STATUS_CODES ? status : 500
}

/** Sends an error; without a code and a message both follow from the status. */
export function sendError(
  reply: FastifyReply,
  status: number,
  code?: string,
  message?: string,
): void {
  void reply.code(status).send(errorBody(status, code, message))
}

/** The one shape of an error; without a code and a message both follow from the status. */
export function errorBody(status: number, code?: string, message?: string) {
  const error = STATUS_CODES[status] ?? 'Error'
  return {
    statusCode: status,
    code: code ?? error.toLowerCase().replaceAll(/\W+/g, '_'),
    error,
    message: message ?? (status >= 500 ? 'something went wrong inside; see the log' : error),
  }
}

const CLIENT_ERROR_STATUS: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
}

/** Answers what never became a request. Fastify's own handler would log the raw bytes at `trace`. */
export function answerClientError(error: Error, socket: Socket): void {
  const code = errorCode(error)
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  refuseConnection(socket, CLIENT_ERROR_STATUS[code] ?? 400)
}

/** Sends an error to a connection that carries no request and no reply of Fastify's, and ends it. */
export function refuseConnection(socket: Duplex, status: number): void {
  const body = JSON.stringify(errorBody(status))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Access-Control-Allow-Origin: *\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
