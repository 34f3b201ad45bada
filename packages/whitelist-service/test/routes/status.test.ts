import { describe, expect, it } from 'vitest'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { LOADED_AT, makeServer } from '../_server.js'

const key = makeKey()

describe('GET /health', () => {
  it('answers ok and the number of keys', async () => {
    const { app } = await makeServer([key.npub, key.hex, makeKey().npub, 'x'])
    const response = await app.inject('/health')
    expect(response.statusCode).toBe(200)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json()).toEqual({
      status: 'ok',
      keys: 2,
      entries: 4,
      loaded_at: LOADED_AT.toISOString(),
    })
  })

  it('answers degraded with the reason, still 200, while the file is not the list', async () => {
    const { app, state } = await makeServer([key.npub])
    state.problem = 'whitelist.json: the file is not there: put it back'
    const response = await app.inject('/health')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      status: 'degraded',
      reason: 'whitelist.json: the file is not there: put it back',
      keys: 1,
      entries: 1,
      loaded_at: LOADED_AT.toISOString(),
    })
  })

  it('answers ok again when the problem is over', async () => {
    const { app, state } = await makeServer([])
    state.problem = 'x'
    expect((await app.inject('/health')).json()).toMatchObject({ status: 'degraded' })
    state.problem = undefined
    expect((await app.inject('/health')).json()).toMatchObject({ status: 'ok' })
  })
})

describe('GET /ready', () => {
  it('answers ready with the version of the list and the number of keys', async () => {
    const { app, state } = await makeServer([key.npub, key.hex, 'x'])
    const response = await app.inject('/ready')
    expect(response.statusCode).toBe(200)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json()).toEqual({
      status: 'ready',
      version: state.allowlist.version,
      keys: 1,
    })
  })

  it('stays ready with an empty list, and with the last good one', async () => {
    const { app, state } = await makeServer([])
    state.problem = 'whitelist.json: the file is not there: put it back'
    expect((await app.inject('/ready')).statusCode).toBe(200)
  })

  it('answers 503 once the service is to stop', async () => {
    const { app, stopping } = await makeServer([key.npub])
    stopping.abort()
    const response = await app.inject('/ready')
    expect(response.statusCode).toBe(503)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json()).toMatchObject({ status: 'stopping', keys: 1 })
    const head = await app.inject({ method: 'HEAD', url: '/ready' })
    expect([head.statusCode, head.body]).toEqual([503, ''])
    // Whoever asks all the same is answered.
    expect((await app.inject(`/api/check/${key.npub}`)).statusCode).toBe(200)
  })
})

describe('GET /', () => {
  it('answers what the service is, its version and its endpoints', async () => {
    const { app } = await makeServer([])
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({
      service: 'whitelist-service',
      description: expect.any(String) as string,
      version: '1.2.3',
      endpoints: expect.any(Object) as object,
    })
  })

  it('names only endpoints that answer', async () => {
    const { app } = await makeServer([key.npub])
    const { endpoints } = (await app.inject('/')).json<{ endpoints: Record<string, string> }>()
    expect(endpoints).toHaveProperty(['GET /api/whitelist?pubkey=K'])
    for (const endpoint of Object.keys(endpoints)) {
      const [method = '', path = ''] = endpoint.split(' ')
      const url = path.replace(/\bK$/, key.npub).replace('=F', '=npub')
      const response = await app.inject({ method: method === 'POST' ? 'POST' : 'GET', url })
      expect([endpoint, response.statusCode]).not.toEqual([endpoint, 404])
      if (method === 'GET') expect([endpoint, response.statusCode]).toEqual([endpoint, 200])
    }
  })
})
