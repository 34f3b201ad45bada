import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen } from '@dstack-node/service-kit'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { NIP98Client, NSecSigner } from '@nostrify/nostrify'
import {
  makeHttpAuth,
  ManagementMethod,
  sendManagementRequest,
  type ManagementRequest,
} from '@welshman/util'
import { getToken } from 'nostr-tools/nip98'
import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClock, type Clock } from '../../src/clock.js'
import {
  admin,
  adminKey,
  bodyOf,
  check,
  makeServerWith,
  MEDIA_TYPE,
  METHODS,
  strangerKey,
  type AdminServer,
} from './_admin.js'

const key = makeKey()
const DONE = { result: true }

interface RunningServer extends AdminServer<Clock> {
  /** Where clients reach it. */
  url: string
}

/**
 * The service on a port of its own, behind a proxy that ends nothing but the path prefix: clients know the
 * proxy's URL, the service another one, as in real life.
 */
async function runBehindProxy(prefix = ''): Promise<RunningServer> {
  let target = ''
  const proxy = createServer((request, response) => {
    const path = (request.url ?? '').slice(prefix.length)
    const { method, headers } = request
    const forwarded = sendRequest(
      new URL(path.startsWith('/') ? path : `/${path}`, target),
      { method, headers: { ...headers, host: 'inside.internal' } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    request.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const { port } = proxy.address() as AddressInfo
  const url = `http://127.0.0.1:${port}${prefix}`
  const server = await makeServerWith(createClock(), { publicUrl: url })
  target = await listen(server.app, { host: '127.0.0.1', port: 0 })
  return { ...server, url }
}

/** What an admin can do with a client, whichever it is. */
function worksWith(client: (url: string, method: string, params: string[]) => Promise<unknown>) {
  it('can do everything', async () => {
    const server = await runBehindProxy()
    const call = (method: string, ...params: string[]) => client(server.url, method, params)
    expect(await call('supportedmethods')).toEqual({ result: METHODS })
    expect(await call('allowpubkey', key.hex, 'a friend é')).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
    expect(await call('listallowedpubkeys')).toEqual({
      result: [{ pubkey: key.hex, reason: 'a friend é' }],
    })
    expect(await call('unallowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 not_listed')
    expect(await call('banpubkey', key.hex, 'spam')).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 banned')
    expect(await call('listbannedpubkeys')).toEqual({
      result: [{ pubkey: key.hex, reason: 'spam' }],
    })
    expect(await call('unbanpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 not_listed')
    expect(await server.audit()).toMatchObject(
      ['allow', 'unallow', 'ban', 'unban'].map((action) => ({ action, who: admin })),
    )
  })

  it('can do so below a path', async () => {
    const server = await runBehindProxy('/lists/main')
    expect(await client(server.url, 'allowpubkey', [key.hex])).toEqual(DONE)
    expect(await client(`${server.url}/`, 'banpubkey', [key.hex])).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 banned')
  })

  it('is told what went wrong', async () => {
    const { url } = await runBehindProxy()
    expect(await client(url, 'allowpubkey', [key.nsec])).toEqual({
      error: expect.stringMatching(/SECRET key/) as string,
    })
    expect(await client(url, 'disallowpubkey', [key.hex])).toEqual({
      error: 'there is no such method here; supportedmethods lists them',
    })
  })
}

describe('@welshman/util', () => {
  async function callAs(secretKey: Uint8Array, url: string, method: string, params: string[]) {
    const request = { method, params } as unknown as ManagementRequest
    const template = await makeHttpAuth(url, 'POST', JSON.stringify(request))
    const signed = finalizeEvent({ ...template }, secretKey)
    return sendManagementRequest(url, request, signed) as Promise<unknown>
  }

  worksWith((url, method, params) => callAs(adminKey, url, method, params))

  it('has the names of our methods', () => {
    expect(Object.values(ManagementMethod)).toEqual(expect.arrayContaining(METHODS))
  })

  it('is told that a stranger may not', async () => {
    const server = await runBehindProxy()
    const answer = await callAs(strangerKey, server.url, 'allowpubkey', [key.hex])
    expect(answer).toMatchObject({ statusCode: 403, code: 'forbidden' })
    expect(await check(server, key.hex)).toBe('403 not_listed')
  })

  it('can sign for one URL and send to another only with the right one', async () => {
    const server = await runBehindProxy()
    const request = { method: 'allowpubkey', params: [key.hex] } as unknown as ManagementRequest
    const body = JSON.stringify(request)
    const template = await makeHttpAuth('http://127.0.0.1:1/', 'POST', body)
    const signed = finalizeEvent({ ...template }, adminKey)
    expect(await sendManagementRequest(server.url, request, signed)).toMatchObject({
      code: 'token_wrong_url',
    })
  })
})

describe("nostrify's NIP98Client", () => {
  async function callAs(secretKey: Uint8Array, url: string, method: string, params: string[]) {
    const client = new NIP98Client({ signer: new NSecSigner(secretKey) })
    const headers = { 'content-type': MEDIA_TYPE }
    const response = await client.fetch(url, {
      method: 'POST',
      headers,
      body: bodyOf(method, params),
    })
    return { status: response.status, answer: await response.json() }
  }

  worksWith(async (url, method, params) => {
    const { status, answer } = await callAs(adminKey, url, method, params)
    expect(status).toBe(200)
    return answer
  })

  it('is refused for a stranger', async () => {
    const { url } = await runBehindProxy()
    const { status, answer } = await callAs(generateSecretKey(), url, 'supportedmethods', [])
    expect(status).toBe(403)
    expect(answer).toMatchObject({ code: 'forbidden' })
  })
})

describe("nostr-tools' getToken", () => {
  worksWith(async (url, method, params) => {
    const payload = { method, params }
    const sign = (template: Parameters<typeof finalizeEvent>[0]) =>
      finalizeEvent(template, adminKey)
    const authorization = await getToken(url, 'POST', sign, true, payload)
    const headers = { authorization, 'content-type': MEDIA_TYPE }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(payload) })
    return response.json()
  })
})

describe('a request shaped like those of nak', () => {
  /** No slash at the end of `u`, both parameters always, padded base64. */
  async function send(url: string, method: string, params: string[], secretKey = adminKey) {
    const body = JSON.stringify({ method, params: withBoth(method, params) })
    const payload = createHash('sha256').update(body).digest('hex')
    const event = finalizeEvent(
      {
        kind: 27235,
        created_at: Math.floor(Date.now() / 1000),
        tags: [
          ['u', url.replace(/\/$/, '')],
          ['method', 'POST'],
          ['payload', payload],
        ],
        content: '',
      },
      secretKey,
    )
    const authorization = `Nostr ${Buffer.from(JSON.stringify(event)).toString('base64')}`
    const headers = {
      authorization,
      'content-type': MEDIA_TYPE,
      'user-agent': 'Go-http-client/1.1',
      'accept-encoding': 'gzip',
    }
    return fetch(url, { method: 'POST', headers, body })
  }

  function withBoth(method: string, params: string[]): string[] {
    return /^(un)?(allow|ban)pubkey$/.test(method) ? [params[0] ?? '', params[1] ?? ''] : params
  }

  worksWith(async (url, method, params) => {
    const response = await send(url, method, params)
    expect(response.status).toBe(200)
    return response.json()
  })

  it('gets along without un-allow and un-ban', async () => {
    const server = await runBehindProxy()
    // The reasons differ, so that no two tokens of one second are alike.
    for (const [method, reason, state] of [
      ['allowpubkey', '', '200 listed'],
      ['banpubkey', '', '403 banned'],
      ['allowpubkey', 'again', '200 listed'],
    ] as const) {
      const response = await send(server.url, method, [key.hex, reason])
      expect(await response.json()).toEqual(DONE)
      expect(await check(server, key.hex)).toBe(state)
    }
  })

  it('is refused in less than the 300 characters that nak shows', async () => {
    const { url } = await runBehindProxy()
    const response = await send(url, 'allowpubkey', [key.hex], strangerKey)
    expect(response.status).toBe(403)
    expect((await response.text()).length).toBeLessThan(300)
  })
})
