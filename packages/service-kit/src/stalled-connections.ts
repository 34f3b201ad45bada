import type { Server } from 'node:http'
import type { Socket } from 'node:net'

const LIMITS = {
  /** How often connections are looked at. */
  lookMs: 10_000,
  /** How long nothing may move on one whose answer is not read. */
  stalledMs: 30_000,
}

/**
 * Ends connections whose client does not read its answer. Their sockets get a time limit when a look finds
 * them waiting: one for every socket would be set anew with all that it sends and receives, which costs
 * a short answer more than finding its verdict.
 */
export function endStalledConnections(
  server: Server,
  { lookMs, stalledMs }: typeof LIMITS = LIMITS,
): void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const timer = setInterval(() => {
    for (const socket of sockets) {
      // Once the answer is out, Node puts its own limit for idle connections in the place of this one.
      if (socket.writableLength > 0 && !socket.timeout) socket.setTimeout(stalledMs)
    }
  }, lookMs).unref()
  server.once('close', () => {
    clearInterval(timer)
  })
}
