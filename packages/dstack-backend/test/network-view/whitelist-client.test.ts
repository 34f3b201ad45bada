import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { Agent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/requests/endpoint.js'
import { createWhitelistClient } from '../../src/network-view/whitelist-client.js'
import {
  checkAnswer,
  olderService,
  startWhitelistServer,
  type Answer,
  type WhitelistServer,
} from './_whitelist-server.js'

const KEY = makeKey()

let server: WhitelistServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function serve(
  answer: (path: string) => Answer,
  handle?: (response: ServerResponse) => void,
) {
  server = await startWhitelistServer(answer, handle)
  return server
}

function ask(endpoint: Endpoint, timeoutMs = 30_000, signal = new AbortController().signal) {
  const client = createWhitelistClient(endpoint, new Agent({ pipelining: 0 }))
  return client(KEY.hex, { timeoutMs, signal })
}

describe('createWhitelistClient', () => {
  it.each(['listed', 'not_listed', 'banned', 'expired'])(
    'learns that a key is %s',
    async (code) => {
      const { url, requests } = await serve(() => checkAnswer(code))
      expect(await ask({ baseUrl: url })).toEqual({ kind: 'verdict', code })
      expect(requests).toEqual([`GET /api/check/${KEY.hex}`])
    },
  )

  it.each([
    ['listed', () => KEY.npub],
    ['not_listed', () => makeKey().npub],
  ])('asks an older service by npub, and learns that a key is %s', async (code, listed) => {
    const { url, requests } = await serve(olderService(listed()))
    expect(await ask({ baseUrl: url })).toEqual({ kind: 'verdict', code })
    expect(requests).toEqual([`GET /api/check/${KEY.hex}`, `GET /api/whitelist?pubkey=${KEY.npub}`])
  })

  it('asks below the path of the URL, with its credentials, both times', async () => {
    const { url, requests, authorizations } = await serve(() => null)
    await ask({ baseUrl: `${url}/list`, authorization: 'Basic eDp5' })
    expect(requests.map((line) => /^GET \/list\/api\/[a-z]+/.exec(line)?.[0])).toEqual([
      'GET /list/api/check',
      'GET /list/api/whitelist',
    ])
    expect(authorizations).toEqual(['Basic eDp5', 'Basic eDp5'])
  })

  it('follows no redirect, and tells where it points without credentials', async () => {
    const target = await startWhitelistServer(() => checkAnswer('listed'))
    const location = `${target.url.replace('//', '//user:secret@')}/api/check/x`
    const { url } = await serve(() => ({ status: 302, headers: { location } }))
    expect(await ask({ baseUrl: url, authorization: 'Basic eDp5' })).toEqual({
      kind: 'no_verdict',
      request: 'GET /api/check',
      status: 302,
      location: `${target.url}/api/check/x`,
    })
    expect(target.requests).toEqual([])
    await target.close()
  })

  it.each([
    ['garbage', 200, 'not JSON'],
    ['nothing', 200, ''],
    ['JSON of another kind', 200, '[]'],
    ['no code', 200, '{"allowed":true}'],
    ['a code that it does not know', 403, '{"code":"asleep"}'],
    ['a refusal of a proxy', 403, '<html>Forbidden</html>'],
    ['a status that contradicts its code', 403, '{"code":"listed"}'],
    ['a code that contradicts its status', 200, '{"code":"banned"}'],
    ['a wrong status', 500, '{"code":"listed"}'],
    ['400', 400, '{"code":"invalid_pubkey"}'],
    ['503', 503, '{"code":"list_unavailable"}'],
  ])('has no verdict from %s', async (_name, status, body) => {
    const { url, requests } = await serve(() => ({ status, body }))
    expect(await ask({ baseUrl: url })).toMatchObject({ kind: 'no_verdict', status })
    expect(requests).toHaveLength(1)
  })

  it.each([
    ['garbage', 200, 'not JSON'],
    ['a verdict that is no boolean', 200, '{"is_whitelisted":"true"}'],
    ['a wrong status', 500, '{"is_whitelisted":true}'],
    ['404', 404, '{"is_whitelisted":true}'],
  ])('has no verdict from %s of an older service', async (_name, status, body) => {
    const { url } = await serve((path) => (path.includes('check') ? null : { status, body }))
    expect(await ask({ baseUrl: url })).toMatchObject({
      kind: 'no_verdict',
      request: 'GET /api/whitelist',
      status,
    })
  })

  it('reads no further than it must, so a body of 5 MB is no verdict', async () => {
    const padding = ' '.repeat(5 * 1024 * 1024)
    const { url } = await serve(() => ({ status: 200, body: `{"code":"listed"}${padding}x` }))
    expect(await ask({ baseUrl: url })).toMatchObject({ kind: 'no_verdict', status: 200 })
  })

  it('does not wait for an answer that never comes', async () => {
    const { url } = await serve(
      () => null,
      () => undefined,
    )
    expect(await ask({ baseUrl: url }, 200)).toMatchObject({ kind: 'no_answer', code: 'ETIMEDOUT' })
  })

  it('does not wait for a body that never ends', async () => {
    const { url } = await serve(
      () => null,
      (response) => void response.writeHead(200).write('{'),
    )
    expect(await ask({ baseUrl: url }, 500)).toMatchObject({ kind: 'no_answer', code: 'ETIMEDOUT' })
  })

  it('has no answer from half a body', async () => {
    const { url } = await serve(
      () => null,
      (response) => {
        response.writeHead(200, { 'content-length': 100 })
        response.write('{"code":"listed"}', () => response.destroy())
      },
    )
    expect(await ask({ baseUrl: url })).toMatchObject({ kind: 'no_answer' })
  })

  it('has no answer where nobody listens', async () => {
    const { url, close } = await serve(() => null)
    await close()
    expect(await ask({ baseUrl: url })).toEqual({
      kind: 'no_answer',
      request: 'GET /api/check',
      code: 'ECONNREFUSED',
    })
  })

  it('ends when it is told to', async () => {
    const { url, received } = await serve(
      () => null,
      () => undefined,
    )
    const controller = new AbortController()
    const reply = ask({ baseUrl: url }, 30_000, controller.signal)
    await received(1)
    controller.abort()
    expect(await reply).toMatchObject({ kind: 'no_answer' })
  })

  it('never says listed but to 200 with the code listed, and never rejects', async () => {
    let next: Answer = null
    const { url } = await serve(() => next)
    const client = createWhitelistClient({ baseUrl: url }, new Agent())
    const limits = { timeoutMs: 30_000, signal: new AbortController().signal }
    const codes = fc.oneof(fc.constantFrom('listed', 'banned', 'not_listed'), fc.string())
    const body = fc.oneof(fc.record({ code: codes }), fc.jsonValue())
    const status = fc.constantFrom(200, 201, 400, 403, 418, 500)
    await fc.assert(
      fc.asyncProperty(status, body, async (status, body) => {
        next = { status, body: JSON.stringify(body) }
        const reply = await client(KEY.hex, limits)
        const isListed = reply.kind === 'verdict' && reply.code === 'listed'
        const says = (body as { code?: unknown } | null)?.code
        expect(isListed).toBe(status === 200 && says === 'listed')
      }),
      { numRuns: 200 },
    )
  })
})
