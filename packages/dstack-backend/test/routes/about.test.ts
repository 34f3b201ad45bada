import { describe, expect, it } from 'vitest'
import { DOWN, OWNER } from '../_facts.js'
import { makeServer, NPUB, PUBKEY } from '../_server.js'

describe('GET /', () => {
  it('tells who the machine is and how it stands', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json()).toMatchObject({
      service: 'dstack-backend',
      version: '1.2.3',
      pubkey: PUBKEY,
      npub: NPUB,
      owner: OWNER,
      node_type: 'node-H200x2',
      ip_address: '10.0.0.7',
      registration: { state: 'registered', how: 'new', registered_at: '2026-01-02T03:04:05.678Z' },
      dstack: { state: 'available', gpu_count: 2, free_gpu_count: 1 },
    })
  })

  it('answers 200 while DStack is down, and says so', async () => {
    const { app } = await makeServer(async () => DOWN)
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({
      dstack: { state: 'unavailable', reason: 'DStack can not be reached' },
      warnings: [{ code: 'dstack_connect', next_step: 'Start the VMM.' }],
    })
  })

  it('is as fresh as /health would be', async () => {
    let calls = 0
    const { app, time } = await makeServer(async () => {
      calls += 1
      return DOWN
    })
    await app.inject('/')
    await app.inject('/')
    expect(calls).toBe(1)
    time.ms += 1_000
    await app.inject('/')
    expect(calls).toBe(2)
  })

  it('names only endpoints that answer', async () => {
    const { app } = await makeServer()
    const { endpoints } = (await app.inject('/')).json<{ endpoints: Record<string, string> }>()
    expect(Object.keys(endpoints)).toContain('GET /health')
    for (const endpoint of Object.keys(endpoints)) {
      const { statusCode } = await app.inject(endpoint.replace('GET ', ''))
      expect([endpoint, statusCode]).toEqual([endpoint, 200])
    }
  })
})
