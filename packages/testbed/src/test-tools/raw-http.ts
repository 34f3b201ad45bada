import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'

/** A connection that sends exactly the bytes it is told to. */
export interface RawConnection {
  socket: Socket
  /** Everything that came back so far. */
  received: () => string
  /** Resolves when the other side has closed the connection, with everything that came back. */
  closed: Promise<string>
}

/** Opens a connection to a server on 127.0.0.1; it ends with the test at the latest. */
export async function openRaw(url: string): Promise<RawConnection> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let received = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => (received += text))
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      resolve(received)
    })
  })
  return { socket, received: () => received, closed }
}

/** Sends the bytes on a connection of their own and waits for the answer that closes it. */
export async function exchangeRaw(url: string, bytes: string): Promise<string> {
  const { socket, closed } = await openRaw(url)
  socket.write(bytes)
  return closed
}

export interface RawAnswer {
  status: number
  headers: string
  body: unknown
}

/** Reads an answer as text, whose body must be JSON. */
export function readAnswer(answer: string): RawAnswer {
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? []
  const end = answer.indexOf('\r\n\r\n')
  expect(end).toBeGreaterThan(0)
  return {
    status: Number(status),
    headers: answer.slice(0, end).toLowerCase(),
    body: JSON.parse(answer.slice(end + 4)),
  }
}
