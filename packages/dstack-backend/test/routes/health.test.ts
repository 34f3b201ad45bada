import { startSimulatedVmm } from '@dstack-node/testbed'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createDstackDispatcher,
  createListGpus,
  type GpuReading,
} from '../../src/dstack/dstack-client.js'
import { parseDstackEndpoint } from '../../src/requests/endpoint.js'
import { DOWN, listing, makeGpus } from '../_facts.js'
import { makeServer, PUBKEY } from '../_server.js'

const CARDS = listing(makeGpus(2))
const LATE: GpuReading = { ok: false, failure: 'timeout', detail: 'ETIMEDOUT' }

describe('GET /health', () => {
  it('answers 200 with the keys and their order that the worker reads', async () => {
    const { app } = await makeServer(async () => CARDS)
    const response = await app.inject('/health')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(Object.keys(response.json())).toEqual([
      'version',
      'topic',
      'pubkeys',
      'status',
      'metadata',
      'ip_address',
    ])
  })

  it('answers 503 while DStack can not be reached, and heals with its next answer', async () => {
    const readings: GpuReading[] = [DOWN, CARDS]
    const { app, time } = await makeServer(async () => readings.shift() ?? CARDS)
    const down = await app.inject('/health')
    expect(down.statusCode).toBe(503)
    expect(down.json()).toMatchObject({
      status: 'Unavailable',
      metadata: 'Error: DStack can not be reached',
      pubkeys: [PUBKEY],
    })
    time.ms += 1_000
    expect((await app.inject('/health')).statusCode).toBe(200)
  })

  it('gives the same bytes while nothing changes', async () => {
    const { app } = await makeServer(async () => CARDS)
    expect((await app.inject('/health')).body).toBe((await app.inject('/health')).body)
  })

  it('is open to web pages and kept by no cache', async () => {
    const { app } = await makeServer(async () => CARDS)
    const { headers } = await app.inject('/health')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['cache-control']).toBe('no-store')
  })

  it('is well formed whatever JSON comes from DStack', async () => {
    const vmm = await startSimulatedVmm()
    const endpoint = parseDstackEndpoint(vmm.url)
    const listGpus = createListGpus(endpoint, createDstackDispatcher(endpoint))
    const { app, time } = await makeServer(listGpus)
    const cards = fc.record(
      { slot: fc.jsonValue(), is_free: fc.jsonValue(), description: fc.jsonValue() },
      { requiredKeys: [] },
    )
    const answers = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { gpus: fc.oneof(fc.jsonValue(), fc.array(cards)), allow_attach_all: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    )
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        vmm.behave({ kind: 'raw', body: JSON.stringify(answer) })
        time.ms += 2_000
        const response = await app.inject('/health')
        const body = response.json<{ status: string; metadata: string }>()
        expect([200, 503]).toContain(response.statusCode)
        expect(body.status).toBe(response.statusCode === 200 ? 'Available' : 'Unavailable')
        if (response.statusCode === 503) expect(body.metadata).toMatch(/^Error: /)
        else expect(JSON.parse(body.metadata)).toHaveProperty('gpu_count')
      }),
    )
    await vmm.close()
  })

  it('asks DStack once for 500 callers at a time', async () => {
    const vmm = await startSimulatedVmm()
    const endpoint = parseDstackEndpoint(vmm.url)
    const { app } = await makeServer(createListGpus(endpoint, createDstackDispatcher(endpoint)))
    const answers = await Promise.all(Array.from({ length: 500 }, () => app.inject('/health')))
    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true)
    expect(vmm.calls).toBe(1)
    await vmm.close()
  })

  it('tells how old what it says is, in whole milliseconds', async () => {
    const { app, time } = await makeServer(async () => CARDS)
    expect((await app.inject('/health')).headers['x-sample-age-ms']).toBe('0')
    time.ms += 1_234.5
    expect((await app.inject('/health')).headers['x-sample-age-ms']).toBe('1235')
    time.ms += 2_000
    expect((await app.inject('/health')).headers['x-sample-age-ms']).toBe('0')
  })

  it('says after how many seconds to ask again while DStack is down, and only then', async () => {
    const readings: GpuReading[] = [DOWN, CARDS]
    const { app, time } = await makeServer(async () => readings.shift() ?? CARDS)
    expect((await app.inject('/health')).headers['retry-after']).toBe('1')
    time.ms += 999
    expect((await app.inject('/health')).headers['retry-after']).toBe('1')
    time.ms += 1
    expect((await app.inject('/health')).headers).not.toHaveProperty('retry-after')
  })

  it('says to wait until DStack is asked again, once it has hung three times', async () => {
    const { app, time, monitor } = await makeServer(async () => LATE)
    for (let call = 0; call < 3; call += 1) {
      const taken = new Promise(monitor.onSample)
      await monitor.read()
      await taken
      time.ms += 1_000
    }
    const response = await app.inject('/health')
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('4')
    expect(response.headers['x-sample-age-ms']).toBe('1000')
  })

  it('answers at once while DStack hangs, with the same bytes', async () => {
    const hangs = new Promise<GpuReading>(() => undefined)
    const readings = [Promise.resolve(LATE)]
    const { app, time } = await makeServer(() => readings.shift() ?? hangs)
    const first = await app.inject('/health')
    time.ms += 1_000
    const second = await app.inject('/health')
    expect(first.statusCode).toBe(503)
    expect(second.statusCode).toBe(503)
    expect(second.body).toBe(first.body)
    expect(second.json()).toMatchObject({ metadata: 'Error: DStack did not answer in time' })
  })

  it('tells a token to nobody, in no answer and in no line of the log', async () => {
    const token = '8f14e45fceea167a5a36dedd4bea2543'
    const vmm = await startSimulatedVmm({ version: '0.6.0', token: 'another' })
    onTestFinished(() => vmm.close())
    const endpoint = parseDstackEndpoint(vmm.url)
    const listGpus = createListGpus(endpoint, createDstackDispatcher(endpoint), {
      kind: 'value',
      token,
    })
    const { app, time, lines } = await makeServer(listGpus)
    const answers: string[] = []
    const ask = async () => {
      time.ms += 2_000
      for (const url of ['/health', '/', '/metrics', '/readyz']) {
        const { headers, body } = await app.inject(url)
        answers.push(JSON.stringify(headers), body)
      }
    }
    await ask()
    vmm.setToken(token)
    await ask()
    vmm.behave({ kind: 'failure', message: `Bearer ${token} is not welcome` })
    await ask()
    vmm.behave({ kind: 'raw', status: 307, headers: { location: `/?token=${token}` } })
    await ask()
    await vmm.stop()
    await ask()
    expect(lines.length).toBeGreaterThan(4)
    expect(lines.join('')).toContain('is not welcome')
    expect([...answers, ...lines].join('')).not.toContain(token)
  })
})
