import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { makeServer } from './_server.js'

const key = makeKey()
const ORIGIN = { origin: 'https://app.example' }
const ALLOWED_HEADERS = 'Authorization, Content-Type, If-Modified-Since, If-None-Match'

describe('a web page', () => {
  it.each([
    ['/api/check?pubkey', 'POST'],
    ['/api/whitelist', 'POST'],
    ['/api/list', 'GET'],
    ['/', 'POST'],
    ['/nothing', 'GET'],
  ])('may ask for %s with %s, a token, a type and what it has already', async (url, method) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject({
      method: 'OPTIONS',
      url,
      headers: {
        ...ORIGIN,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,if-none-match',
      },
    })
    expect([response.statusCode, response.body]).toEqual([204, ''])
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': '600',
    })
    expect(response.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it.each([
    ['a verdict', 'GET', `/api/check?pubkey=${key.npub}`, 200],
    ['a refusal', 'GET', `/api/check/${makeKey().npub}`, 403],
    ['what is wrong with a question', 'GET', '/api/check/x', 400],
    ['an answer in the body', 'GET', `/api/whitelist?pubkey=${key.npub}`, 200],
    ['what is wrong with a body', 'POST', '/api/whitelist', 400],
    ['the list', 'GET', '/api/list', 200],
    ['an unknown format', 'GET', '/api/list?format=x', 400],
    ['the status', 'GET', '/health', 200],
    ['the readiness', 'GET', '/ready', 200],
    ['the figures', 'GET', '/metrics', 200],
    ['the description', 'GET', '/openapi.json', 200],
    ['that there is nothing', 'GET', '/nothing', 404],
    ['that this is not the method', 'DELETE', '/api/list', 405],
    ['that this is no address', 'GET', '/%zz', 400],
  ] as const)('may read %s', async (_, method, url, status) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject({ method, url, headers: ORIGIN })
    expect(response.statusCode).toBe(status)
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it('may read that the list has not changed', async () => {
    const { app } = await makeServer([key.npub])
    const headers = { ...ORIGIN, 'if-none-match': '*' }
    const response = await app.inject({ url: '/api/list', headers })
    expect(response.statusCode).toBe(304)
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.headers['access-control-expose-headers']).toBe('*')
  })

  it.each(['file', 'text'])(
    'may read the etag of the list with which it asks again: %s',
    async (format) => {
      const { app } = await makeServer([key.npub])
      const { headers } = await app.inject({ url: `/api/list?format=${format}`, headers: ORIGIN })
      expect(headers).toMatchObject({
        etag: expect.any(String) as string,
        'access-control-expose-headers': '*',
      })
    },
  )

  it('is told no more than the verdict by the answers that are asked for all the time', async () => {
    const { app } = await makeServer([key.npub])
    for (const url of [`/api/check/${key.npub}`, `/api/whitelist?pubkey=${key.npub}`]) {
      const { headers } = await app.inject({ url, headers: ORIGIN })
      expect(headers).not.toHaveProperty('access-control-expose-headers')
    }
  })

  it('may read results of many keys', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject({
      method: 'POST',
      url: '/api/whitelist',
      headers: ORIGIN,
      payload: { pubkeys: [key.npub] },
    })
    expect(response.statusCode).toBe(200)
    expect(response.headers['access-control-allow-origin']).toBe('*')
  })
})
