import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { HttpError } from '../src/http-error.js'
import { count, sendAtOnce, type Tally } from '../src/http-answer.js'
import { buildHttpServer } from '../src/http-server.js'
import { countAnswers, createMetrics, registerMetricsRoute } from '../src/metrics.js'
import { recordLog } from './_log.js'

interface TestServer {
  app: FastifyInstance
  tallyOf: (method: string, route: string) => Tally
  /** The lines of `http_requests_total`, without its name. */
  counted: () => Promise<string[]>
}

async function makeServer(): Promise<TestServer> {
  const { log } = await recordLog()
  const app = buildHttpServer(log)
  onTestFinished(() => app.close())
  const registry = createMetrics({ name: 'test', version: '1.2.3' })
  const tallyOf = countAnswers(app, registry)
  app.get('/fine/:name', async () => ({ fine: true }))
  app.get('/at-once', (_request, reply) => {
    sendAtOnce(reply, { status: 304, headers: [] })
  })
  app.get('/refused', async () => {
    throw new HttpError(403, 'not_today', 'come back tomorrow')
  })
  app.get('/broken', async () => {
    throw new Error('hunter2')
  })
  app.post('/body', async () => ({}))
  const counted = async () => {
    const lines = (await registry.metrics()).split('\n')
    return lines
      .filter((line) => line.startsWith('http_requests_total{'))
      .map((line) => line.replace('http_requests_total', ''))
  }
  return { app, tallyOf, counted }
}

describe('countAnswers', () => {
  it('counts by the template of the route, never by what was asked', async () => {
    const { app, counted } = await makeServer()
    for (const name of ['a', 'b', 'hunter2']) await app.inject(`/fine/${name}?token=hunter2`)
    expect(await counted()).toEqual(['{method="GET",route="/fine/:name",status="200"} 3'])
  })

  it.each([
    ['GET', '/at-once', '{method="GET",route="/at-once",status="304"} 1'],
    ['HEAD', '/fine/a', '{method="HEAD",route="/fine/:name",status="200"} 1'],
    ['GET', '/refused', '{method="GET",route="/refused",status="403"} 1'],
    ['GET', '/broken', '{method="GET",route="/broken",status="500"} 1'],
    ['GET', '/nothing', '{method="GET",route="unknown",status="404"} 1'],
    ['PUT', '/refused', '{method="PUT",route="unknown",status="405"} 1'],
    ['OPTIONS', '/refused', '{method="OPTIONS",route="*",status="204"} 1'],
    ['GET', '/livez', '{method="GET",route="/livez",status="200"} 1'],
  ] as const)('counts %s %s once', async (method, url, line) => {
    const { app, counted } = await makeServer()
    await app.inject({ method, url })
    expect(await counted()).toEqual([line])
  })

  it('counts a body that could not be read', async () => {
    const { app, counted } = await makeServer()
    const headers = { 'content-type': 'application/json' }
    await app.inject({ method: 'POST', url: '/body', headers, payload: '{' })
    expect(await counted()).toEqual(['{method="POST",route="/body",status="400"} 1'])
  })

  it('counts together what is answered in the place of a route', async () => {
    const { app, counted, tallyOf } = await makeServer()
    await app.inject('/at-once')
    count(tallyOf('GET', '/at-once'), 304)
    count(tallyOf('ANY', '/elsewhere'), 200)
    expect(await counted()).toEqual([
      '{method="GET",route="/at-once",status="304"} 2',
      '{method="ANY",route="/elsewhere",status="200"} 1',
    ])
  })

  it('has nothing to say before the first answer', async () => {
    expect(await (await makeServer()).counted()).toEqual([])
  })
})

describe('GET /metrics', () => {
  it('answers the text format with the content type that Prometheus 3 insists on', async () => {
    const app = buildHttpServer((await recordLog()).log)
    onTestFinished(() => app.close())
    registerMetricsRoute(app, createMetrics({ name: 'test', version: '1.2.3' }))
    const response = await app.inject('/metrics')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(response.body).toContain('\nservice_build_info{service="test",version="1.2.3"} 1\n')
    expect(response.body).toContain('\nprocess_resident_memory_bytes ')
    expect(response.body).not.toMatch(/^# TYPE \w+_total gauge$/m)
  })

  it('writes one text for all who ask at a time, and a new one for the next', async () => {
    const app = buildHttpServer((await recordLog()).log)
    onTestFinished(() => app.close())
    const registry = createMetrics({ name: 'test', version: '1.2.3' })
    const write = vi.spyOn(registry, 'metrics')
    registerMetricsRoute(app, async () => registry)
    const answers = await Promise.all(Array.from({ length: 100 }, () => app.inject('/metrics')))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(write).toHaveBeenCalledTimes(1)
    await app.inject('/metrics')
    expect(write).toHaveBeenCalledTimes(2)
  })

  it('writes a new text after one that failed', async () => {
    const app = buildHttpServer((await recordLog()).log)
    onTestFinished(() => app.close())
    const registry = createMetrics({ name: 'test', version: '1.2.3' })
    vi.spyOn(registry, 'metrics').mockRejectedValueOnce(new Error('hunter2'))
    registerMetricsRoute(app, registry)
    expect((await app.inject('/metrics')).statusCode).toBe(500)
    expect((await app.inject('/metrics')).statusCode).toBe(200)
  })
})

describe('two services in one process', () => {
  it('have figures of their own', async () => {
    const [one, two] = [await makeServer(), await makeServer()]
    await one.app.inject('/refused')
    expect(await two.counted()).toEqual([])
    expect(await one.counted()).toHaveLength(1)
  })
})
