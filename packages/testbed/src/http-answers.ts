import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Fault, Raw } from './behaviour.js'

export interface Answer {
  status: number
  headers: OutgoingHttpHeaders
  body: string | Uint8Array
}

const DRIP_MS = 100
const HUGE_BYTES = 5 * 1024 * 1024

export function jsonAnswer(status: number, body: unknown): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': byteLength(body) }
  // What was given comes last: a test may want to lie about the length.
  response.writeHead(status, { ...length, ...headers }).end(body)
}

export function sendRaw(response: ServerResponse, raw: Raw): void {
  const { status = 200, headers = {}, body = '' } = raw
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  const type = named || body.length === 0 ? {} : { 'content-type': 'application/json' }
  sendAnswer(response, { status, headers: { ...type, ...headers }, body })
}

/** Does what the fault says; `usual` makes the answer that would have been given. */
export function sendFault(response: ServerResponse, fault: Fault, usual: () => Answer): void {
  switch (fault.kind) {
    case 'hang':
      return
    case 'reset':
      resetConnection(response)
      return
    case 'drip':
      drip(response, fault.part ?? 'body', fault.everyMs)
      return
    case 'slow':
      sendSlowly(response, usual(), fault.everyMs)
      return
    case 'short':
      sendShort(response, usual())
      return
    case 'huge':
      sendHuge(response, usual(), fault.bytes ?? HUGE_BYTES, fault.chunked ?? false)
      return
  }
}

/** Cuts the connection as a crashed server does: RST on TCP, an end without an answer on a socket. */
export function resetConnection(response: ServerResponse): void {
  const socket = response.socket
  if (socket?.remoteAddress === undefined) socket?.destroy()
  else socket.resetAndDestroy()
}

function drip(response: ServerResponse, part: 'headers' | 'body', everyMs = DRIP_MS): void {
  if (part === 'headers') {
    const socket = response.socket
    socket?.write('HTTP/1.1 200 OK\r\nX-Drip: ')
    repeat(response, everyMs, () => socket?.write('.'))
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  // White space: the text stays the beginning of valid JSON however long it gets.
  repeat(response, everyMs, () => response.write(' '))
}

function sendSlowly(response: ServerResponse, answer: Answer, everyMs = DRIP_MS): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length })
  response.flushHeaders()
  let sent = 0
  const stop = repeat(response, everyMs, () => {
    response.write(body.subarray(sent, ++sent))
    if (sent < body.length) return
    stop()
    response.end()
  })
}

function sendShort(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length })
  response.write(body.subarray(0, body.length / 2), () => {
    resetConnection(response)
  })
}

function sendHuge(response: ServerResponse, answer: Answer, bytes: number, chunked: boolean): void {
  // Still valid JSON, so that its size is the only reason to refuse it.
  const body = Buffer.alloc(Math.max(bytes, byteLength(answer.body)), ' ')
  body.set(Buffer.from(answer.body))
  if (!chunked) {
    sendAnswer(response, { ...answer, body })
    return
  }
  response.writeHead(answer.status, answer.headers)
  response.write(body)
  response.end()
}

/** Runs the action until the connection ends; returns the way to stop earlier. */
function repeat(response: ServerResponse, everyMs: number, action: () => void): () => void {
  const timer = setInterval(action, everyMs)
  const stop = () => {
    clearInterval(timer)
  }
  if (response.destroyed) stop()
  else response.on('close', stop)
  return stop
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}
