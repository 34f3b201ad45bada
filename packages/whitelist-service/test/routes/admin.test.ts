import type { Socket } from 'node:net'
import fc from 'fast-check'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { exchangeRaw } from '@dstack-node/testbed/test-tools/raw-http'
import { buildHttpServer, listen } from '@dstack-node/service-kit'
import { createMetrics } from '@dstack-node/service-kit/metrics'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { GateError, unclaimed } from '../../src/admin/nip86/gate-error.js'
import type { Nip98ErrorCode } from '../../src/nip98.js'
import { registerAdminRoute } from '../../src/routes/admin.js'
import { recordLog } from '../_log.js'
import { headerOf, headerOfText, NOW } from '../_nip98.js'
import { makeServer } from '../_server.js'
import {
  adminKey,
  bodyOf,
  call,
  check,
  makeAdminServer,
  MEDIA_TYPE,
  METHODS,
  post,
  PUBLIC_URL,
  strangerKey,
  tagsFor,
  tokenFor,
} from './_admin.js'

const key = makeKey()
const BODY = bodyOf('allowpubkey', [key.hex])
const SUPPORTED = bodyOf('supportedmethods')

describe('the gate of POST /', () => {
  describe.each(METHODS)('for %s', (method) => {
    const body = bodyOf(method, [key.hex])
    const list = { pubkeys: [key.npub], banned: { [makeKey().hex]: {} } }

    it('is shut without a token', async () => {
      const server = await makeAdminServer({ content: list })
      const before = await server.text()
      const response = await post(server, body, { authorization: undefined })
      expect(response.statusCode).toBe(401)
      expect(response.json()).toMatchObject({ statusCode: 401, code: 'token_missing' })
      expect(await server.text()).toBe(before)
    })

    it('is shut for who is no admin', async () => {
      const server = await makeAdminServer({ content: list })
      const before = await server.text()
      const authorization = tokenFor(body, { key: strangerKey })
      const response = await post(server, body, { authorization })
      expect(response.statusCode).toBe(403)
      expect(response.json()).toMatchObject({ statusCode: 403, code: 'forbidden' })
      expect(await server.text()).toBe(before)
    })

    it('is open for an admin', async () => {
      const server = await makeAdminServer({ content: list })
      const response = await post(server, body)
      expect(response.statusCode).toBe(200)
      expect(Object.keys(response.json<object>())).toEqual(['result'])
    })
  })

  it('is open for every admin, however their keys are spelled', async () => {
    const other = generateSecretKey()
    const admins = [key.npub, getPublicKey(other).toUpperCase()]
    const server = await makeAdminServer({ admins })
    const options = { authorization: tokenFor(BODY, { key: other }) }
    expect((await post(server, BODY, options)).json()).toEqual({ result: true })
    expect((await post(server, BODY)).statusCode).toBe(403)
  })

  it('is shut for a key that is merely on the list', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [getPublicKey(strangerKey)] } })
    const options = { authorization: tokenFor(BODY, { key: strangerKey }) }
    expect((await post(server, BODY, options)).statusCode).toBe(403)
  })

  it('is open for an admin whom the list bans, who could not mend that otherwise', async () => {
    const server = await makeAdminServer()
    const own = getPublicKey(adminKey)
    expect(await call(server, 'banpubkey', own)).toEqual({ result: true })
    expect(await call(server, 'unbanpubkey', own)).toEqual({ result: true })
  })
})

/** For each reason to refuse a token, a header that has it. */
const WRONG: Record<Nip98ErrorCode, () => string | undefined> = {
  token_missing: () => undefined,
  token_too_long: () => `Nostr ${'A'.repeat(4096)}`,
  token_wrong_scheme: () => tokenFor(BODY).replace('Nostr', 'Bearer'),
  token_bad_base64: () => 'Nostr %%%',
  token_not_json: () => headerOfText('hello'),
  token_bad_event: () => headerOf({ kind: 27235 }),
  token_wrong_kind: () => tokenFor(BODY, { kind: 24242 }),
  token_expired: () => tokenFor(BODY, { createdAt: NOW - 61 }),
  token_from_future: () => tokenFor(BODY, { createdAt: NOW + 61 }),
  token_bad_tags: () => tokenFor(BODY, { tags: [...tagsFor(BODY), ['u', PUBLIC_URL]] }),
  token_wrong_url: () => tokenFor(BODY, { url: 'https://other.example/' }),
  token_wrong_method: () => tokenFor(BODY, { tags: methodTags('GET') }),
  token_payload_missing: () => tokenFor(BODY, { tags: tagsFor(BODY).slice(0, 2) }),
  token_wrong_payload: () => tokenFor(`${BODY} `),
  token_bad_signature: () => forge(),
}

function methodTags(method: string): string[][] {
  return tagsFor(BODY).map((tag) => (tag[0] === 'method' ? ['method', method] : tag))
}

/** A token in the name of an admin, signed by somebody else. */
function forge(): string {
  const pubkey = getPublicKey(adminKey)
  const template = { kind: 27235, created_at: NOW, tags: tagsFor(BODY), content: '' }
  return headerOf({ ...finalizeEvent(template, strangerKey), pubkey })
}

describe('POST / refuses', () => {
  it.each(Object.entries(WRONG))('%s', async (code, header) => {
    const server = await makeAdminServer()
    const before = await server.text()
    const response = await post(server, BODY, { authorization: header() })
    expect(response.statusCode).toBe(401)
    expect(response.headers['www-authenticate']).toBe('Nostr')
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.json()).toMatchObject({ statusCode: 401, code, error: 'Unauthorized' })
    expect(response.body.length).toBeLessThan(300)
    expect(response.body).not.toMatch(/list\.example|POST/)
    expect(await server.text()).toBe(before)
  })

  it('a stranger, shortly and without a hint', async () => {
    const server = await makeAdminServer()
    const response = await post(server, BODY, {
      authorization: tokenFor(BODY, { key: strangerKey }),
    })
    expect(response.headers['www-authenticate']).toBeUndefined()
    expect(response.body.length).toBeLessThan(300)
    expect(response.body).not.toContain(getPublicKey(adminKey))
  })

  it('a token that was used', async () => {
    const server = await makeAdminServer()
    const authorization = tokenFor(BODY)
    expect((await post(server, BODY, { authorization })).json()).toEqual({ result: true })
    await call(server, 'unallowpubkey', key.hex)
    const again = await post(server, BODY, { authorization })
    expect(again.statusCode).toBe(401)
    expect(again.json()).toMatchObject({ code: 'token_used' })
    expect(again.headers['www-authenticate']).toBe('Nostr')
    expect(await check(server, key.hex)).toBe('403 not_listed')
  })

  it('a used token in another spelling', async () => {
    const server = await makeAdminServer()
    const authorization = tokenFor(BODY)
    await post(server, BODY, { authorization })
    const [, encoded = ''] = authorization.split(' ')
    const other = `nostr  ${Buffer.from(encoded, 'base64').toString('base64url')}`
    const again = await post(server, BODY, { authorization: other })
    expect(again.json()).toMatchObject({ code: 'token_used' })
  })

  it('a token that was used for a method that failed', async () => {
    const server = await makeAdminServer()
    const body = bodyOf('nothing')
    const authorization = tokenFor(body)
    expect((await post(server, body, { authorization })).statusCode).toBe(200)
    expect((await post(server, body, { authorization })).statusCode).toBe(401)
  })

  it('all but one of those who send the same token at once', async () => {
    const server = await makeAdminServer()
    const options = { authorization: tokenFor(BODY) }
    const responses = await Promise.all([1, 2, 3, 4].map(() => post(server, BODY, options)))
    const codes = responses.map(({ statusCode }) => statusCode).sort()
    expect(codes).toEqual([200, 401, 401, 401])
  })

  it('a token from before the service started', async () => {
    const server = await makeAdminServer()
    const options = { authorization: tokenFor(BODY, { createdAt: NOW - 1 }) }
    const response = await post(server, BODY, options)
    expect(response.statusCode).toBe(401)
    expect(response.json()).toMatchObject({ code: 'token_before_start' })
  })

  it('more tokens than can be remembered, for a while', async () => {
    const { log } = await recordLog()
    const app = buildHttpServer(log, { methods: ['POST'] })
    onTestFinished(() => app.close())
    const admit = () => {
      throw unclaimed('full')
    }
    const answerCall = vi.fn()
    const registry = createMetrics({ name: 'test', version: '1' })
    registerAdminRoute(app, { admit, answerCall, addressOf: () => '', registry })
    const response = await post({ app }, BODY)
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBe('60')
    expect(response.json()).toMatchObject({ code: 'too_many_tokens' })
    expect(answerCall).not.toHaveBeenCalled()
  })

  it('a token that names the Host header', async () => {
    const server = await makeAdminServer()
    const url = 'https://evil.example/'
    const response = await post(server, BODY, {
      authorization: tokenFor(BODY, { url }),
      headers: {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        forwarded: 'host=evil.example',
      },
    })
    expect(response.json()).toMatchObject({ code: 'token_wrong_url' })
  })

  it('a body over 64 KiB, before its token is used up', async () => {
    const server = await makeAdminServer()
    const body = bodyOf('allowpubkey', [key.hex, '', 'x'.repeat(64 * 1024)])
    const response = await post(server, body)
    expect(response.statusCode).toBe(413)
    expect(response.json()).toMatchObject({ code: 'payload_too_large' })
    expect(await check(server, key.hex)).toBe('403 not_listed')
  })

  it.each([
    ['application/json', undefined],
    ['application/nostr+json', undefined],
    ['text/plain', undefined],
    ['application/nostr+json+rpcx', undefined],
    ['nothing', ''],
    ['', undefined],
  ])('a body announced as %j with 415', async (type, empty) => {
    const server = await makeAdminServer()
    const response = await server.app.inject({
      method: 'POST',
      url: '/',
      headers: {
        authorization: tokenFor(BODY),
        ...(type !== 'nothing' && { 'content-type': type }),
      },
      ...(empty === undefined && { payload: BODY }),
    })
    expect(response.statusCode).toBe(415)
    expect(response.json()).toMatchObject({ statusCode: 415, code: 'unsupported_media_type' })
    expect(await check(server, key.hex)).toBe('403 not_listed')
  })
})

describe('the order of the checks of POST /', () => {
  it('is the token, then the signer, then the body', async () => {
    const server = await makeAdminServer()
    const nonsense = 'no JSON'
    const missing = await post(server, nonsense, { authorization: undefined })
    expect(missing.json()).toMatchObject({ code: 'token_missing' })
    const stranger = { authorization: tokenFor(nonsense, { key: strangerKey }) }
    expect((await post(server, nonsense, stranger)).json()).toMatchObject({ code: 'forbidden' })
    expect((await post(server, nonsense)).json()).toEqual({
      error: 'the body is not valid JSON',
    })
  })

  it('uses up no token that was refused, and remembers none of a stranger', async () => {
    const server = await makeAdminServer()
    const early = tokenFor(BODY, { createdAt: NOW + 90 })
    expect((await post(server, BODY, { authorization: early })).statusCode).toBe(401)
    const stranger = { authorization: tokenFor(BODY, { key: strangerKey }) }
    expect((await post(server, BODY, stranger)).statusCode).toBe(403)
    expect((await post(server, BODY, stranger)).statusCode).toBe(403)
    server.clock.pass(60)
    expect((await post(server, BODY, { authorization: early })).json()).toEqual({ result: true })
  })

  it('limits attempts only where a signature would be checked', async () => {
    const server = await makeAdminServer()
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect((await post(server, BODY, { authorization: forge() })).statusCode).toBe(401)
    }
    const limited = await post(server, BODY)
    expect(limited.statusCode).toBe(429)
    expect(limited.headers['retry-after']).toBe('3')
    expect(limited.headers['www-authenticate']).toBeUndefined()
    expect(limited.json()).toMatchObject({ statusCode: 429, code: 'too_many_attempts' })
    const cheap = await post(server, BODY, { authorization: tokenFor(`${BODY} `) })
    expect(cheap.json()).toMatchObject({ code: 'token_wrong_payload' })
    expect((await post(server, BODY, { from: '198.51.100.1' })).statusCode).toBe(200)
    server.clock.pass(3)
    const authorization = tokenFor(BODY, { createdAt: NOW + 3 })
    expect((await post(server, BODY, { authorization })).statusCode).toBe(200)
  })

  it.each([
    ['of strangers', () => tokenFor(BODY, { key: strangerKey }), 403],
    ['with a token from before the start', () => tokenFor(BODY, { createdAt: NOW - 1 }), 401],
  ])('counts attempts %s', async (_, header, status) => {
    const server = await makeAdminServer()
    for (let attempt = 0; attempt < 20; attempt += 1) {
      expect((await post(server, BODY, { authorization: header() })).statusCode).toBe(status)
    }
    expect((await post(server, BODY)).statusCode).toBe(429)
  })

  it('counts no attempt that is cheap to refuse, and none that succeeds', async () => {
    const server = await makeAdminServer()
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const cheap = tokenFor(SUPPORTED, { url: 'https://other.example/' })
      expect((await post(server, SUPPORTED, { authorization: cheap })).statusCode).toBe(401)
      expect((await post(server, SUPPORTED)).statusCode).toBe(200)
    }
  })

  it('tells clients of a trusted proxy apart, and only those', async () => {
    const env = { TRUSTED_PROXIES: '192.0.2.1' }
    const server = await makeAdminServer({ env })
    const through = (proxy: string, client: string, authorization = tokenFor(BODY)) => {
      const headers = { 'x-forwarded-for': client }
      return post(server, BODY, { authorization, headers, from: proxy })
    }
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await through('192.0.2.1', '198.51.100.9', forge())
      await through('203.0.113.7', `198.51.100.${attempt + 10}`, forge())
    }
    expect((await through('192.0.2.1', '198.51.100.9')).statusCode).toBe(429)
    expect((await through('192.0.2.1', '198.51.100.10')).statusCode).toBe(200)
    expect((await through('203.0.113.7', '198.51.100.99')).statusCode).toBe(429)
  })
})

describe('POST / where no admin is configured', () => {
  it.each([MEDIA_TYPE, 'application/json', 'text/plain'])('is 405 for %s', async (type) => {
    const { app } = await makeServer([])
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': type, authorization: tokenFor(SUPPORTED) },
      payload: SUPPORTED,
    })
    expect(response.statusCode).toBe(405)
    expect(response.headers['allow']).toBe('GET, HEAD')
    expect(response.json()).toMatchObject({ code: 'method_not_allowed' })
  })

  it('is announced in no log line', async () => {
    const { lines } = await makeServer([])
    expect(lines().filter(({ msg }) => msg.includes('administration'))).toEqual([])
  })
})

describe('beside POST /', () => {
  it('other methods are still 405, and GET / still tells what the service is', async () => {
    const { app } = await makeAdminServer()
    const response = await app.inject({ method: 'PUT', url: '/' })
    expect([response.statusCode, response.headers['allow']]).toEqual([405, 'GET, HEAD, POST'])
    const headers = { accept: 'application/nostr+json' }
    expect((await app.inject({ url: '/', headers })).json()).toMatchObject({
      service: 'whitelist-service',
    })
  })

  it('the batch takes JSON only, as before', async () => {
    const { app } = await makeAdminServer()
    const send = (type: string) =>
      app.inject({
        method: 'POST',
        url: '/api/whitelist',
        headers: { 'content-type': type },
        payload: '{"pubkeys":[]}',
      })
    expect((await send('application/json')).statusCode).toBe(200)
    expect((await send(MEDIA_TYPE)).statusCode).toBe(415)
  })

  it('the description of the API has it', async () => {
    const { app } = await makeAdminServer()
    const { paths } = (await app.inject('/openapi.json')).json<{ paths: Paths }>()
    expect(Object.keys(paths['/'] ?? {}).sort()).toEqual(['get', 'post'])
    expect(paths['/']?.['post']).toMatchObject({
      requestBody: { content: { [MEDIA_TYPE]: expect.anything() as unknown } },
    })
  })

  it('the list has no form for admins', async () => {
    const { app } = await makeAdminServer()
    expect((await app.inject('/api/list?format=nip86_allowed')).statusCode).toBe(400)
    expect((await app.inject('/api/list?format=nip86_banned')).statusCode).toBe(400)
  })

  it('requests are counted by known methods and outcomes only', async () => {
    const server = await makeAdminServer()
    await call(server, 'allowpubkey', key.hex)
    await call(server, 'allowpubkey', 'x')
    await call(server, key.hex)
    await call(server, '__proto__')
    await post(server, BODY, { authorization: undefined })
    await post(server, BODY, { authorization: tokenFor(BODY, { key: strangerKey }) })
    await post(server, BODY, { headers: { 'content-type': 'text/plain' } })
    const metrics = (await server.app.inject('/metrics')).body
    const counted = metrics.split('\n').filter((line) => line.startsWith('whitelist_admin'))
    expect(counted.sort()).toEqual([
      'whitelist_admin_requests_total{method="allowpubkey",outcome="done"} 1',
      'whitelist_admin_requests_total{method="allowpubkey",outcome="error"} 1',
      'whitelist_admin_requests_total{method="unknown",outcome="error"} 2',
      'whitelist_admin_requests_total{method="unknown",outcome="forbidden"} 1',
      'whitelist_admin_requests_total{method="unknown",outcome="refused"} 1',
      'whitelist_admin_requests_total{method="unknown",outcome="unauthorized"} 1',
    ])
    expect(metrics).not.toContain(key.hex)
    expect(metrics).toContain('http_requests_total{method="POST",route="/",status="200"} 4')
  })
})

describe('a change that takes long', () => {
  it('is waited for, however long its connection is silent', async () => {
    const { log } = await recordLog()
    const app = buildHttpServer(log, { methods: ['POST'] })
    onTestFinished(() => app.close())
    let socket: Socket | undefined
    app.server.on('connection', (connection) => (socket = connection))
    let limitMs: number | undefined
    const answerCall = async () => {
      limitMs = socket?.timeout ?? 0
      return { method: undefined, outcome: 'done' as const, body: '{"result":true}' }
    }
    const registry = createMetrics({ name: 'test', version: '1' })
    registerAdminRoute(app, { admit: () => '', answerCall, addressOf: () => '', registry })
    const url = await listen(app, { host: '127.0.0.1', port: 0 })
    const head = `Host: a\r\nConnection: close\r\nContent-Type: ${MEDIA_TYPE}\r\nContent-Length: 2\r\n`
    expect(await exchangeRaw(url, `POST / HTTP/1.1\r\n${head}\r\n{}`)).toContain('{"result":true}')
    expect(limitMs).toBe(0)
  })
})

type Paths = Record<string, Record<string, object>>

describe('POST / and browsers', () => {
  it('answers the preflight, and names Authorization', async () => {
    const { app } = await makeAdminServer()
    const response = await app.inject({
      method: 'OPTIONS',
      url: '/',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(response.statusCode).toBe(204)
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.headers['access-control-allow-methods']).toContain('POST')
    expect(response.headers['access-control-allow-headers']).toMatch(
      /^Authorization, Content-Type\b/,
    )
  })

  it('lets every page read every answer', async () => {
    const server = await makeAdminServer()
    const answers = [
      await post(server, SUPPORTED),
      await post(server, bodyOf('listallowedpubkeys')),
      await post(server, bodyOf('nothing')),
      await post(server, BODY, { authorization: tokenFor(BODY, { key: strangerKey }) }),
      await post(server, BODY, { headers: { 'content-type': 'text/plain' } }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 403, 415])
    for (const { headers } of answers) expect(headers['access-control-allow-origin']).toBe('*')
  })
})

describe('a clock that was set back', () => {
  const warnings = ({ lines }: { lines: () => { level: string; msg: string }[] }) =>
    lines().filter(({ msg }) => msg.startsWith('the system clock was set back'))

  it('is named in the log where a token is refused for its time, once a minute', async () => {
    const server = await makeAdminServer()
    server.clock.jump(-3600)
    const late = () =>
      post(server, BODY, { authorization: tokenFor(BODY, { createdAt: NOW - 3600 }) })
    expect((await late()).json()).toMatchObject({ code: 'token_expired' })
    expect((await late()).statusCode).toBe(401)
    expect(warnings(server)).toHaveLength(1)
    expect(warnings(server)[0]).toMatchObject({ level: 'warn', behindMs: 3_600_000 })
    server.clock.pass(60)
    await late()
    expect(warnings(server)).toHaveLength(2)
  })

  it('is not where it is another reason', async () => {
    const server = await makeAdminServer()
    await post(server, BODY, { authorization: tokenFor(BODY, { createdAt: NOW - 61 }) })
    server.clock.jump(-3600)
    await post(server, BODY, { authorization: forge() })
    expect(warnings(server)).toEqual([])
  })
})

describe('whatever is sent to POST /', () => {
  /** The methods that answer an admin whatever the parameters are. */
  const reading = METHODS.filter((method) => /^(list|supp)/.test(method))
  const method = fc.oneof(
    fc.constantFrom(...METHODS, 'disallowpubkey', '__proto__', 'toString', 'ALLOWPUBKEY'),
    fc.string(),
  )
  const spoiled = fc.constantFrom(
    ...[key.hex.slice(1), `${key.hex}0`, key.nsec, `${key.npub}x`, key.npub.slice(0, -1)],
    ...['', ' ', 'null', 'g'.repeat(64), `${key.hex}\u200b${key.hex}`, '\u212a'.repeat(64)],
  )
  const params = fc.oneof(
    fc.array(fc.oneof(spoiled, fc.jsonValue(), fc.string()), { maxLength: 4 }),
    fc.jsonValue(),
    fc.tuple(
      fc.constant(key.hex),
      fc.oneof(fc.integer(), fc.object(), fc.constant('x'.repeat(501)), fc.constant(key.nsec)),
    ),
  )
  const anyBody = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.record({ method, params }).map((body) => Buffer.from(JSON.stringify(body))),
    fc
      .record({ method: fc.oneof(method, fc.jsonValue()) }, { requiredKeys: [] })
      .map((body) => Buffer.from(JSON.stringify(body))),
  )
  const isAnswered = (body: Buffer) => {
    const call = tryParse(body) as { method?: unknown; params?: unknown } | undefined
    const isList = call?.params === undefined || call.params === null || Array.isArray(call.params)
    return isList && reading.includes(call?.method as string)
  }

  it('no body of an admin has another status than 200, or changes the list unasked', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [makeKey().npub] } })
    const before = await server.text()
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        fc.pre(!isAnswered(body))
        const response = await post(server, body)
        expect(response.statusCode).toBe(200)
        const answer = response.json<{ error?: string }>()
        expect(Object.keys(answer)).toEqual(['error'])
        expect(answer.error).toMatch(/^[^\n]{5,200}$/)
        expect(response.body).not.toContain('nsec1')
        expect(await server.text()).toBe(before)
      }),
      { numRuns: 300 },
    )
    expect(JSON.stringify(server.lines())).not.toContain('nsec1')
  })

  it('no header gets in', async () => {
    const server = await makeAdminServer()
    const before = await server.text()
    const token = tokenFor(BODY)
    const signed = JSON.parse(Buffer.from(token.slice(6), 'base64').toString()) as object
    const part = fc.constantFrom('id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig')
    const anyHeader = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
      fc.base64String().map((text) => `Nostr ${text}`),
      fc.jsonValue().map(headerOf),
      fc
        .tuple(part, fc.oneof(fc.jsonValue(), fc.constantFrom(NOW + 1, 'f'.repeat(64))))
        .map(([name, value]) => headerOf({ ...signed, [name]: value }))
        .filter((header) => header !== token),
      fc.constant(tokenFor(BODY, { key: strangerKey })),
    )
    await fc.assert(
      fc.asyncProperty(anyHeader, fc.ipV4(), async (header, from) => {
        const response = await post(server, BODY, { authorization: header, from })
        expect([401, 403, 429]).toContain(response.statusCode)
        expect(response.body.length).toBeLessThan(300)
      }),
      { numRuns: 500 },
    )
    expect(await server.text()).toBe(before)
  })
})

function tryParse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

it('a GateError is an error of the one shape', () => {
  expect(unclaimed('out_of_window')).toBeInstanceOf(GateError)
  expect(unclaimed('out_of_window')).toMatchObject({ statusCode: 401, code: 'token_expired' })
})
