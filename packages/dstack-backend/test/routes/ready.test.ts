import { describe, expect, it } from 'vitest'
import type { GpuReading } from '../../src/dstack/dstack-client.js'
import { DOWN, listing } from '../_facts.js'
import { makeServer, type TestServer } from '../_server.js'

async function ask({ app }: TestServer) {
  const response = await app.inject('/readyz')
  expect(response.headers['cache-control']).toBe('no-store')
  return [response.statusCode, response.json<unknown>()]
}

const notReady = (reason: string) => [503, { status: 'not_ready', reason }]

describe('GET /readyz', () => {
  it('answers ready while the latest sample is good, also without a GPU', async () => {
    const server = await makeServer(async () => listing([]))
    await server.monitor.read()
    expect(await ask(server)).toEqual([200, { status: 'ready' }])
  })

  it('answers 503 before DStack was asked, and asks nobody itself', async () => {
    let calls = 0
    const server = await makeServer(async () => {
      calls += 1
      return DOWN
    })
    expect(await ask(server)).toEqual(notReady('DStack was not asked yet'))
    expect(calls).toBe(0)
  })

  it('answers 503 while DStack is down, and heals with its next answer', async () => {
    const readings: GpuReading[] = [DOWN]
    const server = await makeServer(async () => readings.shift() ?? listing([]))
    await server.monitor.read()
    expect(await ask(server)).toEqual(notReady('DStack can not be reached'))
    server.time.ms += 1_000
    await server.monitor.read()
    expect(await ask(server)).toEqual([200, { status: 'ready' }])
  })

  it('answers at once while DStack hangs', async () => {
    const server = await makeServer(() => new Promise<never>(() => undefined))
    void server.monitor.read()
    expect(await ask(server)).toEqual(notReady('DStack was not asked yet'))
  })

  it('answers 503 once the latest sample is older than 60 s', async () => {
    const server = await makeServer()
    await server.monitor.read()
    server.time.ms += 60_000
    expect(await ask(server)).toEqual([200, { status: 'ready' }])
    server.time.ms += 1
    expect(await ask(server)).toEqual(notReady("DStack's latest answer is older than 60 s"))
  })

  it('answers 503 once the service is to stop', async () => {
    const server = await makeServer()
    await server.monitor.read()
    server.stopping.abort()
    expect(await ask(server)).toEqual(notReady('the service is about to stop'))
    const head = await server.app.inject({ method: 'HEAD', url: '/readyz' })
    expect([head.statusCode, head.body]).toEqual([503, ''])
  })
})
