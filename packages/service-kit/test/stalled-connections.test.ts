import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endStalledConnections } from '../src/stalled-connections.js'

/** More than the kernel takes off a process's hands. */
const ANSWER = Buffer.alloc(64 * 1024 * 1024)

/** A client that has asked and reads nothing, and the server's side of its connection. */
async function askAndWait(path: string, limits: { lookMs: number; stalledMs: number }) {
  const server = createServer((request, response) => {
    response.end(request.url === '/large' ? ANSWER : 'short')
  })
  endStalledConnections(server, limits)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  client.on('error', () => undefined)
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const [socket] = (await once(server, 'connection')) as [Socket]
  await once(server, 'request')
  return { client, socket }
}

/** Resolves when the socket's time limit is as it should be. */
async function limited(socket: Socket, isRight: (timeout: number | undefined) => boolean) {
  while (!isRight(socket.timeout)) await new Promise(setImmediate)
}

describe('endStalledConnections', () => {
  it('ends a connection whose client does not read its answer', async () => {
    const { socket } = await askAndWait('/large', { lookMs: 5, stalledMs: 20 })
    await once(socket, 'close')
    expect(socket.destroyed).toBe(true)
  })

  it('lets a client that reads go on, without that limit', async () => {
    const { client, socket } = await askAndWait('/large', { lookMs: 5, stalledMs: 3_600_000 })
    await limited(socket, (timeout) => timeout === 3_600_000)
    client.resume()
    await limited(socket, (timeout) => timeout !== 3_600_000)
    expect(socket.destroyed).toBe(false)
  })

  it('sets no limit where nothing waits to be read', async () => {
    const { socket } = await askAndWait('/short', { lookMs: 1, stalledMs: 3_600_000 })
    for (let look = 0; look < 1000; look += 1) await new Promise(setImmediate)
    expect(socket.timeout).not.toBe(3_600_000)
  })
})
