import { once } from 'node:events'
import { Agent, createServer, request, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closeHttpServer, listen } from '@dstack-node/service-kit'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { exchangeRaw, openRaw, readAnswer } from '@dstack-node/testbed/test-tools/raw-http'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { listOf } from '../_bytes.js'
import { makeServer, type TestServer, type TestServerOptions } from '../_server.js'

const NOW = 1_800_000_000
const key = makeKey()
const banned = makeKey()
const expired = makeKey()
const expiring = makeKey()
const stranger = makeKey()
const LIST = [key.npub, banned.npub, expired.npub, expiring.hex, 'Friend']
const MORE: TestServerOptions = {
  meta: {
    [key.hex]: { label: 'Ann "A"' },
    [expired.hex]: { expires_at: NOW },
    [expiring.hex]: { expires_at: NOW + 3, label: '\u00e9' },
  },
  banned: { [banned.hex]: {} },
}

interface Answer {
  status: number
  headers: Record<string, unknown>
  body: string
}

/** A service on a port, where plain questions are answered before Fastify sees them. */
async function startServer(): Promise<TestServer & { url: string }> {
  // At debug Fastify answers everything itself.
  const server = await makeServer(LIST, { ...MORE, level: 'info' })
  server.time.now = NOW
  const url = await listen(server.app, { host: '127.0.0.1', port: 0 })
  onTestFinished(() => closeHttpServer(server.app))
  return { ...server, url }
}

/** The same service as Fastify alone answers it, also what `inject` would make another address of. */
async function startFastify(app: FastifyInstance): Promise<string> {
  const server = createServer((incoming, response) => {
    app.routing(incoming, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const agent = new Agent({ keepAlive: true })

/** Asks on a connection, with exactly this path. */
async function ask(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { port } = new URL(base)
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }).end()
  const [response] = (await once(sent, 'response')) as [
    AsyncIterable<Buffer> & { statusCode: number; headers: IncomingHttpHeaders },
  ]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode,
    headers: relevant(response.headers),
    body: Buffer.concat(chunks).toString(),
  }
}

async function inject(
  app: FastifyInstance,
  method: 'GET' | 'HEAD' | 'POST',
  url: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.inject({ method, url, headers })
  return {
    status: response.statusCode,
    headers: relevant(response.headers),
    body: response.body,
  }
}

/** Without what the connection is about. */
function relevant(headers: Record<string, unknown>): Record<string, unknown> {
  const others = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !others.has(name)))
}

const anyText = fc.oneof(
  fc
    .constantFrom(key, banned, expired, expiring, stranger)
    .chain(({ hex, npub, nprofile, nsec }) =>
      fc.constantFrom(hex, npub, nprofile, nsec, hex.toUpperCase(), `nostr:${npub}`, `${npub}x`),
    ),
  fc.string({ unit: fc.constantFrom('0', 'a', '1', 'f', 'q', 'z'), minLength: 62, maxLength: 65 }),
  fc.constantFrom('Friend', '', '%', '%zz', '%41', '__proto__', `%6${key.npub.slice(1)}`),
)
const anyPrefix = fc.constantFrom(
  '/api/check/',
  '/api/check?pubkey=',
  '/api/check/?pubkey=',
  '/api/check',
  '/api/checks/',
  '/api/whitelist?pubkey=',
  '/api/whitelist/',
  '/API/check/',
  '//api/check/',
  '/api//check/',
  '/./api/check/',
  '/api/check?Pubkey=',
  '/api/check?a=b&pubkey=',
  '/api/list',
  '/api/list?format=',
  '/',
)
const anySuffix = fc.constantFrom('', '', '', '?', '&', '&pubkey=', '/', '?a=b', '#a', ';', '%20')
const anyPath = fc.tuple(anyPrefix, anyText, anySuffix).map((parts) => parts.join(''))
const anyMethod = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST')

describe('a plain question over a connection', () => {
  it('is answered before Fastify sees it', async () => {
    const server = await makeServer(LIST, { ...MORE, level: 'info' })
    const seen: string[] = []
    server.app.addHook('onRequest', async (incoming) => void seen.push(incoming.url))
    const url = await listen(server.app, { host: '127.0.0.1', port: 0 })
    onTestFinished(() => closeHttpServer(server.app))
    for (const { hex, npub } of [key, stranger]) {
      for (const text of [hex, npub]) {
        await ask(url, 'GET', `/api/check/${text}`)
        await ask(url, 'GET', `/api/check?pubkey=${text}`)
        await ask(url, 'GET', `/api/whitelist?pubkey=${text}`)
      }
    }
    await ask(url, 'GET', '/api/list', { 'if-none-match': '*' })
    expect(seen).toEqual([])
    await ask(url, 'GET', `/api/check/${key.nprofile}`)
    expect(seen).toEqual([`/api/check/${key.nprofile}`])
  })

  it('is answered as Fastify would answer it, whatever is asked', async () => {
    const { app, url } = await startServer()
    const fastify = await startFastify(app)
    await fc.assert(
      fc.asyncProperty(anyMethod, anyPath, async (method, path) => {
        expect(await ask(url, method, path)).toEqual(await ask(fastify, method, path))
      }),
      { numRuns: 500 },
    )
  })

  it('is answered as in the route tests', async () => {
    const { app, url } = await startServer()
    await fc.assert(
      fc.asyncProperty(anyMethod, anyPath, async (method, path) => {
        // Where `inject` would not ask for another address.
        fc.pre(URL.canParse(path, 'http://localhost'))
        const parsed = new URL(path, 'http://localhost')
        fc.pre(`${parsed.pathname}${parsed.search}` === path)
        expect(await ask(url, method, path)).toEqual(await inject(app, method, path))
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['listed', key, 200],
    ['banned', banned, 403],
    ['expired', expired, 403],
    ['about to expire', expiring, 200],
    ['not listed', stranger, 403],
  ])('is a check of a key that is %s', async (_, { hex, npub }, status) => {
    const { app, url } = await startServer()
    for (const path of [`/api/check/${hex}`, `/api/check/${npub}`, `/api/check?pubkey=${npub}`]) {
      const answer = await ask(url, 'GET', path)
      expect(answer.status).toBe(status)
      expect(answer).toEqual(await inject(app, 'GET', path))
    }
  })

  it('may be whether the list is still the one that a reader has', async () => {
    const { app, url } = await startServer()
    const { etag } = (await inject(app, 'GET', '/api/list')).headers
    for (const tag of [String(etag), `W/${String(etag)}`, '*', '"a"', '', `"a", ${String(etag)}`]) {
      const headers = { 'if-none-match': tag }
      const answer = await ask(url, 'GET', '/api/list', headers)
      expect(answer).toEqual(await inject(app, 'GET', '/api/list', headers))
      expect(answer.status).toBe(tag.includes('-file') || tag === '*' ? 304 : 200)
    }
  })

  it('is answered from the list that is served now', async () => {
    const { url, state } = await startServer()
    const path = `/api/check/${stranger.hex}`
    expect((await ask(url, 'GET', path)).status).toBe(403)
    state.allowlist = parseAllowlist(listOf([stranger.npub]))
    expect((await ask(url, 'GET', path)).status).toBe(200)
  })

  it('is answered 503 where the list can not be asked', async () => {
    const { app, url, state } = await startServer()
    Object.defineProperty(state, 'allowlist', {
      get: () => {
        throw new Error('hunter2')
      },
    })
    for (const path of [`/api/check/${key.hex}`, `/api/check?pubkey=${key.npub}`]) {
      const answer = await ask(url, 'GET', path)
      expect(answer.status).toBe(503)
      expect(answer).toEqual(await inject(app, 'GET', path))
    }
    const answer = await ask(url, 'GET', '/api/list', { 'if-none-match': '*' })
    expect([answer.status, answer.body.includes('hunter2')]).toEqual([500, false])
  })

  it('is counted as the route counts it', async () => {
    const { app, url } = await startServer()
    const paths = [
      `/api/check/${key.hex}`,
      `/api/check/${stranger.hex}`,
      `/api/check?pubkey=${key.npub}`,
      `/api/check?pubkey=${stranger.npub}`,
      `/api/whitelist?pubkey=${key.npub}`,
      '/api/list',
    ]
    const counts = async () =>
      (await app.inject('/metrics')).body
        .split('\n')
        .filter((line) => line.includes('route="/api/'))
        .toSorted()
    const headers = { 'if-none-match': '*' }
    for (const path of paths) await inject(app, 'GET', path, headers)
    const before = await counts()
    for (const path of paths) await ask(url, 'GET', path, headers)
    expect(before).toHaveLength(paths.length)
    expect(await counts()).toEqual(before.map((line) => line.replace(/ 1$/, ' 2')))
  })

  it('is one of many on the same connection, also between others', async () => {
    const { url } = await startServer()
    const { socket, received } = await openRaw(url)
    const paths = [`/api/check/${key.hex}`, '/livez', `/api/check/${stranger.hex}`, '/nothing']
    const sent = [...paths, ...paths].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    // All at once: the answers come in the order of the questions.
    socket.write(sent.join(''))
    await vi.waitFor(() => {
      expect(received().match(/HTTP\/1\.1 \d+/g)).toHaveLength(8)
    })
    const statuses = Array.from(received().matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status)
    expect(statuses).toEqual(['200', '200', '403', '404', '200', '200', '403', '404'])
    expect(received().match(/\r\nConnection: keep-alive/gi)).toHaveLength(8)
  })

  it('may bring a body, which is not read, and does not disturb the next question', async () => {
    const { url } = await startServer()
    const body = '{"pubkeys": []}'
    const question = `GET /api/check/${key.hex} HTTP/1.1\r\nHost: a\r\n`
    const answers = await exchangeRaw(
      url,
      `${question}Content-Length: ${body.length}\r\n\r\n${body}${question}Connection: close\r\n\r\n`,
    )
    expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  })

  it('ends its connection where that is asked for, and with HTTP/1.0', async () => {
    const { url } = await startServer()
    const path = `/api/check/${key.hex}`
    const closed = await exchangeRaw(
      url,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    )
    expect(readAnswer(closed)).toMatchObject({ status: 200, body: { allowed: true } })
    const old = await exchangeRaw(url, `GET ${path} HTTP/1.0\r\n\r\n`)
    expect(readAnswer(old)).toMatchObject({ status: 200, body: { allowed: true } })
  })

  it('keeps no connection open while the service stops', async () => {
    const { app, url } = await startServer()
    const { socket, received, closed } = await openRaw(url)
    socket.write(`GET /api/check/${key.hex} HTTP/1.1\r\nHost: a\r\n\r\n`)
    await vi.waitFor(() => {
      expect(received()).toContain('"allowed":true')
    })
    await closeHttpServer(app)
    expect(await closed).toContain('"allowed":true')
    await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed')
  })

  it('is answered though the service is about to stop', async () => {
    const { app, url } = await startServer()
    const { socket, closed } = await openRaw(url)
    socket.write(`GET /api/check/${key.hex} HTTP/1.1\r\nHo`)
    await ask(url, 'GET', '/livez')
    const closing = closeHttpServer(app)
    await vi.waitFor(() => {
      expect(app.server.listening).toBe(false)
    })
    socket.write('st: a\r\n\r\n')
    expect(readAnswer(await closed)).toMatchObject({ status: 200, body: { allowed: true } })
    await closing
  })
})

describe('at debug', () => {
  it('Fastify answers plain questions too, and the log tells how', async () => {
    const server = await makeServer(LIST, { level: 'debug' })
    const url = await listen(server.app, { host: '127.0.0.1', port: 0 })
    onTestFinished(() => closeHttpServer(server.app))
    await ask(url, 'GET', `/api/check/${key.hex}`)
    await vi.waitFor(() => {
      expect(server.lines()).toMatchObject([
        { msg: 'answered', method: 'GET', route: '/api/check/:pubkey', statusCode: 200 },
      ])
    })
    expect(JSON.stringify(server.lines())).not.toContain(key.hex)
  })
})
