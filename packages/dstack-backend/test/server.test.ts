import { startSimulatedVmm } from '@dstack-node/testbed'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { createDstackDispatcher, createListGpus, type GpuReading } from '../src/dstack-client.js'
import { parseDstackEndpoint } from '../src/endpoint.js'
import { createGpuMonitor } from '../src/gpu-monitor.js'
import { buildServer } from '../src/server.js'
import { recordingLog } from './_log.js'

const PUBKEY = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
const NPUB = 'npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d'
const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

const CARDS: GpuReading = {
  ok: true,
  gpus: [
    { slot: '18:00.0', productId: '10de:2335', description: 'H200', isFree: true },
    { slot: '2a:00.0', productId: '10de:2335', description: 'H200', isFree: false },
  ],
  allowAttachAll: true,
}

let app: FastifyInstance
afterEach(() => app.close())

async function build(readGpus: () => Promise<GpuReading>): Promise<FastifyInstance> {
  const { log } = await recordingLog()
  app = await buildServer({
    identity: { pubkey: PUBKEY, npub: NPUB },
    owner: OWNER,
    nodeType: 'node-H200x2',
    registration: { how: 'new', registeredAt: new Date(0) },
    readGpus,
    ipAddress: async () => '10.0.0.7',
    version: '1.2.3',
    log,
  })
  return app
}

describe('GET /health', () => {
  it('answers 200 with the keys and their order that the worker reads', async () => {
    await build(async () => CARDS)
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
    const readings: GpuReading[] = [
      { ok: false, failure: 'connect', detail: 'ECONNREFUSED' },
      CARDS,
    ]
    await build(async () => readings.shift() ?? CARDS)
    const down = await app.inject('/health')
    expect(down.statusCode).toBe(503)
    expect(down.json()).toMatchObject({
      status: 'Unavailable',
      metadata: 'Error: DStack can not be reached',
      pubkeys: [PUBKEY],
    })
    expect((await app.inject('/health')).statusCode).toBe(200)
  })

  it('gives the same bytes while nothing changes', async () => {
    await build(async () => CARDS)
    expect((await app.inject('/health')).body).toBe((await app.inject('/health')).body)
  })

  it('is open to web pages and kept by no cache', async () => {
    await build(async () => CARDS)
    const { headers } = await app.inject('/health')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['cache-control']).toBe('no-store')
  })

  it('is well formed whatever JSON comes from DStack', async () => {
    const vmm = await startSimulatedVmm()
    const endpoint = parseDstackEndpoint(vmm.url)
    const listGpus = createListGpus(endpoint, createDstackDispatcher(endpoint))
    await build(listGpus)
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
    const { log } = await recordingLog()
    const endpoint = parseDstackEndpoint(vmm.url)
    await build(createGpuMonitor(createListGpus(endpoint, createDstackDispatcher(endpoint)), log))
    const answers = await Promise.all(Array.from({ length: 500 }, () => app.inject('/health')))
    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true)
    expect(vmm.calls).toBe(1)
    await vmm.close()
  })
})

describe('GET /', () => {
  it('tells who the machine is and how it stands', async () => {
    await build(async () => CARDS)
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({
      service: 'dstack-backend',
      version: '1.2.3',
      pubkey: PUBKEY,
      npub: NPUB,
      owner: OWNER,
      node_type: 'node-H200x2',
      ip_address: '10.0.0.7',
      registration: { state: 'registered', how: 'new', registered_at: '1970-01-01T00:00:00.000Z' },
      dstack: { state: 'available', gpu_count: 2, free_gpu_count: 1 },
    })
  })

  it('answers 200 while DStack is down, and says so', async () => {
    await build(async () => ({ ok: false, failure: 'timeout', detail: 'ETIMEDOUT' }))
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({
      dstack: { state: 'unavailable', reason: 'DStack did not answer in time' },
    })
  })
})
