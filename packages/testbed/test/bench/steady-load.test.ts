import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sendSteadily, type SteadyLoad } from '../../src/bench/steady-load.js'

async function send(answer: RequestListener, other: Partial<SteadyLoad> = {}) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return sendSteadily({
    url,
    path: '/x',
    perSecond: 10_000,
    seconds: 0.01,
    connections: 4,
    status: 200,
    ...other,
  })
}

describe('sendSteadily', () => {
  it('tells of each request how long it took, and sends no other', async () => {
    const asked: string[] = []
    const took = await send((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end('x'.repeat(100_000))
    })
    expect(took).toHaveLength(100)
    expect(took.every((ms) => ms > 0)).toBe(true)
    expect(asked).toEqual(Array(100).fill('GET /x'))
  })

  it('sends no more at a time than there are connections', async () => {
    let open = 0
    let most = 0
    await send((_request, response) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open -= 1
        response.end()
      })
    })
    expect(most).toBeLessThanOrEqual(4)
  })

  it('counts from when a request was due, though all connections were taken', async () => {
    let requests = 0
    const took = await send(
      (_request, response) => {
        requests += 1
        if (requests > 1) {
          response.end()
          return
        }
        // The clock goes on until the second one is due, and some more.
        const end = performance.now() + 20
        while (performance.now() < end);
        response.end()
      },
      { connections: 1, perSecond: 1_000, seconds: 0.002 },
    )
    expect(took).toHaveLength(2)
    expect(Math.min(...took)).toBeGreaterThan(18)
  })

  it('fails for another status', async () => {
    const failed = send((_request, response) => {
      response.writeHead(503).end()
    })
    await expect(failed).rejects.toThrow('/x answered 503')
  })

  it('fails when a connection ends', async () => {
    const failed = send((request) => {
      request.socket.destroy()
    })
    await expect(failed).rejects.toThrow('/x ended a connection')
  })
})
