import { describe, expect, it } from 'vitest'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { makeServer } from './_server.js'

const { npub } = makeKey()
const PATHS = [
  '/',
  '/health',
  '/ready',
  '/livez',
  '/metrics',
  '/openapi.json',
  '/api/list',
  '/api/list?format=text',
  `/api/whitelist?pubkey=${npub}`,
  `/api/check?pubkey=${npub}`,
]

describe('buildServer', () => {
  it.each(PATHS)('lets any web page read %s', async (url) => {
    const { app } = await makeServer([npub])
    const response = await app.inject({ url, headers: { origin: 'https://app.example' } })
    expect(response.statusCode).toBe(200)
    expect(response.headers['access-control-allow-origin']).toBe('*')
  })

  it.each(['/', '/health', '/ready', '/livez', '/metrics', '/openapi.json', '/api/list'])(
    'refuses to be written to at %s',
    async (url) => {
      const { app } = await makeServer([npub])
      const response = await app.inject({ method: 'POST', url, payload: { pubkeys: [] } })
      expect(response.statusCode).toBe(405)
      expect(response.json()).toMatchObject({ statusCode: 405, code: 'method_not_allowed' })
      expect(response.headers['allow']).toBe('GET, HEAD')
    },
  )

  it.each(['PUT', 'PATCH', 'DELETE'] as const)('answers %s nowhere', async (method) => {
    const { app } = await makeServer([npub])
    for (const url of PATHS) {
      const response = await app.inject({ method, url, payload: { pubkeys: [] } })
      expect(response.statusCode).toBe(405)
      const posts = url.startsWith('/api/whitelist')
      expect(response.headers['allow']).toBe(posts ? 'GET, HEAD, POST' : 'GET, HEAD')
    }
  })

  it.each([
    '/api',
    '/api/',
    '/api/whitelist/',
    '/api/check/a/b',
    '/metrics/',
    '/API/list',
    '/api/list/x',
    '/whitelist.json',
    '//',
  ])('answers 404 at %s', async (url) => {
    const { app } = await makeServer([npub])
    const response = await app.inject(url)
    expect(response.statusCode).toBe(404)
    expect(response.json()).toMatchObject({ statusCode: 404, code: 'not_found' })
  })
})
