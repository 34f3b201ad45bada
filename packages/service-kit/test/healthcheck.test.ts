import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isServing } from '../src/healthcheck.js'

async function listenOn(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function answering(listener: RequestListener, host?: string): Promise<number> {
  const server = createServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
  })
  return listenOn(server, host)
}

describe('isServing', () => {
  it('is true where GET /livez answers 200', async () => {
    const seen: string[] = []
    const port = await answering((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''}`)
      response.end('{}')
    })
    expect(await isServing({ host: '127.0.0.1', port })).toBe(true)
    expect(seen).toEqual(['GET /livez'])
  })

  it('reaches a service that listens on every address', async () => {
    const port = await answering((_request, response) => response.end(), '0.0.0.0')
    expect(await isServing({ host: '0.0.0.0', port })).toBe(true)
  })

  it.each([204, 301, 404, 500, 503])('is false where GET /livez answers %i', async (status) => {
    const port = await answering((_request, response) => response.writeHead(status).end())
    expect(await isServing({ host: '127.0.0.1', port })).toBe(false)
  })

  it('is false where nothing listens', async () => {
    const server = createTcpServer()
    const port = await listenOn(server)
    server.close()
    await once(server, 'close')
    expect(await isServing({ host: '127.0.0.1', port })).toBe(false)
  })

  it('is false where something else than HTTP answers', async () => {
    const port = await listenOn(createTcpServer((socket) => socket.end('SSH-2.0-test\r\n')))
    expect(await isServing({ host: '127.0.0.1', port })).toBe(false)
  })

  it('is false where the connection is closed without an answer', async () => {
    const port = await listenOn(createTcpServer((socket) => socket.end()))
    expect(await isServing({ host: '127.0.0.1', port })).toBe(false)
  })

  it('is false where no answer comes', async () => {
    const port = await answering(() => undefined)
    expect(await isServing({ host: '127.0.0.1', port })).toBe(false)
  })
})
