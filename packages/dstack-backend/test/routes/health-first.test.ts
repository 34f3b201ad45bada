import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeHttpServer, listen } from '@dstack-node/service-kit'
import { exchangeRaw } from '@dstack-node/testbed/test-tools/raw-http'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { GpuReading } from '../../src/dstack/dstack-client.js'
import { DOWN, listing, makeGpus } from '../_facts.js'
import { makeServer } from '../_server.js'

const CARDS = listing(makeGpus(8))
const LATE: GpuReading = { ok: false, failure: 'timeout', detail: 'ETIMEDOUT' }
const ODD = listing(makeGpus(1).map((gpu) => ({ ...gpu, description: 'GPU \u00e9 "\u{1f600}"' })))

/** The service on a port, after it was asked once; `seen` are the requests that came to Fastify. */
async function startServer(reading: GpuReading, level: 'trace' | 'info' = 'info') {
  const server = await makeServer(async () => reading, {}, level)
  const seen: string[] = []
  server.app.addHook('onRequest', async ({ method, url }) => void seen.push(`${method} ${url}`))
  const url = await listen(server.app, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => closeHttpServer(server.app))
  await server.monitor.read()
  return { ...server, seen, url }
}

/** The same service as Fastify alone answers it. */
async function startFastify(app: FastifyInstance): Promise<string> {
  const server = createServer((request, response) => {
    app.routing(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Each byte of the answer but those of its date. */
async function ask(url: string, target = 'GET /health'): Promise<string> {
  const answer = await exchangeRaw(
    url,
    `${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  )
  return answer.replace(/^Date: .*$/m, 'Date: now')
}

describe('GET /health over a connection', () => {
  it('is answered before Fastify sees it while a sample serves', async () => {
    const { url, seen, time } = await startServer(CARDS)
    await ask(url)
    time.ms += 1_999
    await ask(url)
    expect(seen).toEqual([])
  })

  it.each([
    ['with GPUs', CARDS],
    ['with none', listing([])],
    ['with text that is not ASCII', ODD],
    ['while DStack is down', DOWN],
    ['while DStack hangs', LATE],
  ])('gives each byte that the route gives, %s', async (_name, reading) => {
    const { app, url, facts, time, seen } = await startServer(reading)
    const fastify = await startFastify(app)
    const expectSame = async () => {
      const before = seen.length
      const answer = await ask(url)
      expect(seen).toHaveLength(before)
      expect(answer).toMatch(/^HTTP\/1\.1 (200|503) /)
      expect(answer).toBe(await ask(fastify))
    }
    await expectSame()
    time.ms += 432.1
    await expectSame()
    facts.address = undefined
    await expectSame()
    facts.address = { address: '10.0.0.8', source: 'route', containerOnly: false }
    await expectSame()
  })

  it('is answered as Fastify would answer it, whatever is asked', async () => {
    const { app, url } = await startServer(CARDS)
    const fastify = await startFastify(app)
    const anyTarget = fc
      .tuple(
        fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'OPTIONS'),
        fc.constantFrom('/health', '/health', '/HEALTH', '//health', '/%68ealth', '/./health'),
        fc.constantFrom('', '', '?', '?a=b', '/', '#a', ';', '%20'),
      )
      .map(([method, path, suffix]) => `${method} ${path}${suffix}`)
    await fc.assert(
      fc.asyncProperty(anyTarget, async (target) => {
        expect(await ask(url, target)).toBe(await ask(fastify, target))
      }),
    )
  })

  it('comes to the route where a sample or an address is to be waited for', async () => {
    const { url, seen, time, address } = await startServer(CARDS)
    time.ms += 2_000
    expect(await ask(url)).toContain('\r\nx-sample-age-ms: 0\r\n')
    expect(seen).toHaveLength(1)
    await ask(url)
    expect(seen).toHaveLength(1)
    address.fresh = () => undefined
    await ask(url)
    expect(seen).toHaveLength(2)
  })

  it('says what DStack says once it is another thing', async () => {
    const readings = [CARDS, DOWN]
    const server = await makeServer(async () => readings.shift() ?? CARDS, {}, 'info')
    const url = await listen(server.app, { host: '127.0.0.1', port: 0 })
    onTestFinished(() => closeHttpServer(server.app))
    const statuses: (string | undefined)[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      await server.monitor.read()
      statuses.push(/^HTTP\/1\.1 (\d+)/.exec(await ask(url))?.[1])
      server.time.ms += 2_000
    }
    expect(statuses).toEqual(['200', '503', '200'])
  })

  it('is counted like any other', async () => {
    const { app, url } = await startServer(CARDS)
    await ask(url)
    await ask(url)
    await app.inject('/health')
    const { body } = await app.inject('/metrics')
    expect(body).toContain('http_requests_total{method="GET",route="/health",status="200"} 3\n')
  })

  it('comes to Fastify at debug, and the log tells how it was answered', async () => {
    const { url, seen, lines } = await startServer(CARDS, 'trace')
    await ask(url)
    expect(seen).toEqual(['GET /health'])
    expect(lines.filter((line) => line.includes('"msg":"answered"'))).toHaveLength(1)
  })
})
