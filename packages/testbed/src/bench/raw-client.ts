import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')
/** Where the status stands in `HTTP/1.1 200 OK`. */
const STATUS_AT = 9

/** The bytes of a GET request. */
export function getRequest(path: string, headers = ''): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\n${headers}\r\n`)
}

/** The bytes of a POST request with JSON. */
export function postRequest(path: string, body: unknown): Buffer {
  const json = JSON.stringify(body)
  const headers = `Content-Type: application/json\r\nContent-Length: ${json.length}`
  return Buffer.from(`POST ${path} HTTP/1.1\r\nHost: bench\r\n${headers}\r\n\r\n${json}`)
}

/** A connection to a server on 127.0.0.1. */
export async function open(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  return socket
}

/** Calls back once for each whole answer; only one is ever under way on a connection. */
export function onAnswer(socket: Socket, done: (status: number) => void): void {
  let received: Buffer[] = []
  let missing = 0
  socket.on('data', (chunk) => {
    received.push(chunk)
    missing -= chunk.length
    if (missing > 0) return
    const bytes = received.length === 1 ? chunk : Buffer.concat(received)
    const end = bytes.indexOf(HEAD_END)
    if (end === -1) return
    const head = bytes.toString('latin1', 0, end)
    const length = /content-length: (\d+)/i.exec(head)?.[1] ?? 0
    missing = end + HEAD_END.length + Number(length) - bytes.length
    received = missing > 0 ? [bytes] : []
    if (missing <= 0) done(Number(head.slice(STATUS_AT, STATUS_AT + 3)))
  })
}
