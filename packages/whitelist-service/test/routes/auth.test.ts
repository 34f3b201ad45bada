import type { LightMyRequestResponse } from 'fastify'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { parseAuthHost } from '../../src/auth/auth-hosts.js'
import type { AuthConfig } from '../../src/config.js'
import { parseAddressRange } from '../../src/trusted-proxies.js'
import { makeSigner, SITE, tokenOf } from '../_auth.js'
import { LOADED_AT, makeServer } from '../_server.js'

const NOW = LOADED_AT.getTime() / 1000
const HOST = 'media.example.com'

const listed = makeSigner()
const stranger = makeSigner()
const banned = makeSigner()
const expired = makeSigner()
const LIST = [listed.hex, banned.hex, expired.hex]
const DETAILS = {
  meta: { [expired.hex]: { expires_at: Math.floor(NOW) } },
  banned: { [banned.hex]: {} },
}

const TRUSTED: Partial<AuthConfig> = {
  trustedProxies: [parseAddressRange('127.0.0.1'), parseAddressRange('10.1.0.0/16')],
  hosts: [parseAuthHost(SITE), parseAuthHost('other.example.com')],
}

type Headers = Record<string, string | string[]>

/** What a proxy sends that tells of a request in headers. */
const forwarded = (uri = '/', method = 'GET', more: Headers = {}): Headers => ({
  host: '127.0.0.1:8082',
  'x-forwarded-method': method,
  'x-forwarded-proto': 'https',
  'x-forwarded-host': HOST,
  'x-forwarded-uri': uri,
  'x-forwarded-for': '192.0.2.7',
  ...more,
})

const without = (headers: Headers, name: string): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name))

const serve = (auth: Partial<AuthConfig> = TRUSTED) => makeServer(LIST, { ...DETAILS, auth })

/** Whatever it is, it must be one of the four, and look like it. */
function expectVerdict(response: LightMyRequestResponse, status: number, code: string): void {
  expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code])
  const { headers } = response
  expect(headers['cache-control']).toBe('no-store')
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
  expect(response.body.length).toBeLessThan(300)
  expect(headers['www-authenticate']).toBe(status === 401 ? 'Nostr' : undefined)
  expect('x-nostr-pubkey' in headers).toBe(status === 200)
  expect('x-reason' in headers).toBe(status !== 200)
  if (status !== 200) {
    expect(headers['x-reason']).toMatch(/^[\x20-\x7e]{1,120}$/)
    expect(response.json()).toEqual({
      statusCode: status,
      code,
      error: expect.any(String) as string,
      message: expect.any(String) as string,
    })
  }
}

describe('a client with its own token', () => {
  it('comes in when its key is listed', async () => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { authorization: tokenOf(listed, NOW) })
    const response = await app.inject({ url: '/auth', headers })
    expectVerdict(response, 200, 'listed')
    expect(response.headers['x-nostr-pubkey']).toBe(listed.hex)
    expect(response.json()).toEqual({ allowed: true, code: 'listed', pubkey: listed.hex })
  })

  it.each([
    ['not_listed', stranger],
    ['banned', banned],
    ['expired', expired],
  ])('does not when its key is %s', async (code, signer) => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { authorization: tokenOf(signer, NOW) })
    expectVerdict(await app.inject({ url: '/auth', headers }), 403, code)
  })

  it('comes in until the second before its key expires', async () => {
    const soon = { [expired.hex]: { expires_at: Math.floor(NOW) + 2 } }
    const { app, time } = await makeServer(LIST, { meta: soon, auth: TRUSTED })
    const headers = forwarded('/', 'GET', { authorization: tokenOf(expired, NOW) })
    time.now = NOW + 1
    expectVerdict(await app.inject({ url: '/auth', headers }), 200, 'listed')
    time.now = NOW + 2
    expectVerdict(await app.inject({ url: '/auth', headers }), 403, 'expired')
  })

  it('may use it again, as the parts of a page are asked for at the same time', async () => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { authorization: tokenOf(listed, NOW) })
    const all = [1, 2, 3].map(() => app.inject({ url: '/auth', headers }))
    for (const response of await Promise.all(all)) expect(response.statusCode).toBe(200)
  })

  const other = (url: string, method = 'GET') => tokenOf(listed, NOW, { url, method })
  it.each<[string, string, string | string[] | undefined]>([
    ['none', 'token_missing', undefined],
    ['an empty one', 'token_missing', ''],
    ['one of another scheme', 'token_wrong_scheme', 'Basic YTpi'],
    ['rubbish', 'token_bad_base64', 'Nostr {}'],
    ['one for another path', 'token_wrong_url', other(`${SITE}/b`)],
    ['one for another query', 'token_wrong_url', other(`${SITE}/a?x=2`)],
    ['one without the query', 'token_wrong_url', other(`${SITE}/a`)],
    [
      'one for another host that is ours',
      'token_wrong_url',
      other('https://other.example.com/a?x=1'),
    ],
    ['one for http', 'token_wrong_url', other('http://media.example.com/a?x=1')],
    ['one for the URL of this service', 'token_wrong_url', other('http://127.0.0.1:8082/auth')],
    ['one for another method', 'token_wrong_method', other(`${SITE}/a?x=1`, 'POST')],
    ['one that is too old', 'token_expired', tokenOf(listed, NOW - 61, { url: `${SITE}/a?x=1` })],
    [
      'one from the future',
      'token_from_future',
      tokenOf(listed, NOW + 62, { url: `${SITE}/a?x=1` }),
    ],
    ['two', 'token_repeated', [other(`${SITE}/a?x=1`), other(`${SITE}/a?x=1`)]],
    ['two in one line', 'token_bad_base64', `${other(`${SITE}/a`)}, ${other(`${SITE}/a`)}`],
  ])('has shown no key with %s', async (_what, code, authorization) => {
    const { app } = await serve()
    const more: Headers = authorization === undefined ? {} : { authorization }
    const response = await app.inject({ url: '/auth', headers: forwarded('/a?x=1', 'GET', more) })
    expectVerdict(response, 401, code)
  })

  it('has shown no key with a signature that is wrong, whoever it says it is', async () => {
    const { app } = await serve()
    const [scheme, base64 = ''] = tokenOf(stranger, NOW).split(' ')
    for (const { hex } of [listed, banned]) {
      const text = Buffer.from(base64, 'base64').toString().replace(stranger.hex, hex)
      const authorization = `${scheme ?? ''} ${Buffer.from(text).toString('base64')}`
      const headers = forwarded('/', 'GET', { authorization })
      expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'token_bad_signature')
    }
  })

  it('is asked for the method and the query that the proxy tells, byte for byte', async () => {
    const { app } = await serve()
    for (const uri of ['/a?b=%zz&&c', '/%2e%2e/%E4?', '//x?url=https://y/', '/?pubkey=z', '/a,b']) {
      const authorization = tokenOf(listed, NOW, { url: SITE + uri, method: 'DELETE' })
      const headers = forwarded(uri, 'DELETE', { authorization })
      expectVerdict(await app.inject({ url: '/auth', headers }), 200, 'listed')
    }
  })
})

describe('the shape of a question:', () => {
  const url = `${SITE}/photos/1?size=2`
  const uri = '/photos/1?size=2'
  const token = (method: string) => ({ authorization: tokenOf(listed, NOW, { url, method }) })
  const nginx = forwarded(uri, 'POST', token('POST'))
  it.each<[string, { method?: string; url: string; headers: Headers }]>([
    ['nginx', { url: '/auth', headers: nginx }],
    ['Caddy', { url: '/auth', headers: { ...nginx, host: HOST, 'accept-encoding': 'gzip' } }],
    ['Traefik', { url: '/auth', headers: { ...nginx, 'x-forwarded-port': '443' } }],
    ['APISIX, GET', { url: '/auth', headers: nginx }],
    [
      'APISIX, POST',
      { method: 'POST', url: '/auth', headers: { ...nginx, 'content-length': '0' } },
    ],
    [
      'Envoy',
      {
        method: 'POST',
        url: `/auth${uri}`,
        headers: { host: HOST, 'content-length': '0', ...token('POST') },
      },
    ],
    [
      'Envoy, OPTIONS',
      { method: 'OPTIONS', url: `/auth${uri}`, headers: { host: HOST, ...token('OPTIONS') } },
    ],
    [
      'Envoy, HEAD',
      { method: 'HEAD', url: `/auth${uri}`, headers: { host: HOST, ...token('HEAD') } },
    ],
  ])('%s', async (_name, { method = 'GET', ...question }) => {
    const { app } = await serve()
    const ask = (headers: Headers) =>
      app.inject({ method: method as 'GET', url: question.url, headers })
    const response = await ask(question.headers)
    expect(response.statusCode).toBe(200)
    expect(response.headers['x-nostr-pubkey']).toBe(listed.hex)
    expect((await ask(without(question.headers, 'authorization'))).statusCode).toBe(401)
  })

  it('a path below says nothing where headers do', async () => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { authorization: tokenOf(listed, NOW) })
    expectVerdict(await app.inject({ url: '/auth/x?y', headers }), 200, 'listed')
    const belowToken = { authorization: tokenOf(listed, NOW, { url: `${SITE}/x?y` }) }
    const response = await app.inject({ url: '/auth/x?y', headers: { ...headers, ...belowToken } })
    expectVerdict(response, 401, 'token_wrong_url')
  })

  it('nothing is a question without headers or a path', async () => {
    const { app } = await serve()
    const headers = { host: HOST, authorization: tokenOf(listed, NOW) }
    expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'request_unknown')
  })
})

describe('headers that a client has smuggled in', () => {
  const token = { authorization: tokenOf(listed, NOW) }

  it.each(['method', 'host', 'uri'])('count for nothing: X-Forwarded-%s twice', async (name) => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', token)
    const value = String(headers[`x-forwarded-${name}`])
    headers[`x-forwarded-${name}`] = [value, value]
    expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'request_ambiguous')
  })

  it('count for nothing: a list of hosts', async () => {
    const { app } = await serve()
    for (const host of [`${HOST}, evil.example`, `evil.example, ${HOST}`, `${HOST},${HOST}`]) {
      const headers = forwarded('/', 'GET', { ...token, 'x-forwarded-host': host })
      expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'host_unknown')
    }
  })

  it('count for nothing: a Host that is ours, where the proxy tells another', async () => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { ...token, host: HOST, 'x-forwarded-host': 'a.example' })
    expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'host_unknown')
  })

  it('count for nothing: one that Envoy would not send', async () => {
    const { app } = await serve()
    const headers = { host: HOST, 'x-forwarded-uri': '/', ...token }
    expectVerdict(await app.inject({ url: '/auth/x', headers }), 401, 'request_ambiguous')
  })

  it('count for nothing: a key, where none is asked for', async () => {
    const { app } = await serve()
    const headers = forwarded('/', 'GET', { 'x-nostr-pubkey': listed.hex })
    const url = `/auth?pubkey=${listed.hex}`
    expectVerdict(await app.inject({ url, headers }), 401, 'token_missing')
    const strange = { ...headers, authorization: tokenOf(stranger, NOW) }
    expectVerdict(await app.inject({ url, headers: strange }), 403, 'not_listed')
  })
})

describe('who asks', () => {
  const question = {
    url: '/auth',
    headers: forwarded('/', 'GET', { authorization: tokenOf(listed, NOW) }),
  }

  it.each(['127.0.0.1', '10.1.255.255', '::ffff:10.1.2.3', '::ffff:127.0.0.1'])(
    'is believed from %s',
    async (remoteAddress) => {
      const { app } = await serve()
      expectVerdict(await app.inject({ ...question, remoteAddress }), 200, 'listed')
    },
  )

  it.each(['127.0.0.2', '10.2.0.0', '::1', '::ffff:10.2.0.1', '2001:db8::1', 'rubbish'])(
    'is not believed from %s, whatever it says',
    async (remoteAddress) => {
      const auth = { ...TRUSTED, pubkeyHeader: 'x-key', pubkeyQuery: 'key' }
      const { app, lines } = await serve(auth)
      const spoofed = {
        ...question.headers,
        'x-forwarded-for': '127.0.0.1',
        'x-real-ip': '127.0.0.1',
        forwarded: 'for=127.0.0.1',
      }
      const asked = { ...question, headers: spoofed, remoteAddress }
      expectVerdict(await app.inject(asked), 401, 'untrusted_proxy')
      const named = { ...forwarded(), 'x-key': listed.hex }
      const byKey = await app.inject({ url: '/auth', headers: named, remoteAddress })
      expectVerdict(byKey, 401, 'untrusted_proxy')
      const byQuery = await app.inject({ url: `/auth?key=${listed.hex}`, remoteAddress })
      expectVerdict(byQuery, 401, 'untrusted_proxy')
      const warnings = lines().filter(({ level }) => level === 'warn')
      expect(warnings).toMatchObject([{ address: remoteAddress }])
      expect(warnings[0]?.msg).toContain('TRUSTED_PROXIES')
    },
  )

  it('is reported for a hundred addresses, and no more', async () => {
    const { app, lines } = await serve()
    for (let index = 0; index < 120; index += 1) {
      await app.inject({ url: '/auth', remoteAddress: `192.0.2.${index}` })
      await app.inject({ url: '/auth', remoteAddress: `192.0.2.${index}` })
    }
    expect(lines().filter(({ level }) => level === 'warn')).toHaveLength(100)
  })

  it('is never believed while nothing is configured, and told what to set', async () => {
    const { app } = await serve({})
    const response = await app.inject(question)
    expectVerdict(response, 401, 'forward_auth_off')
    expect(response.json<{ message: string }>().message).toContain('TRUSTED_PROXIES')
  })
})

describe('a key that the proxy names', () => {
  const key = makeKey()
  const BY_KEY = { ...TRUSTED, hosts: [], pubkeyHeader: 'x-key', pubkeyQuery: 'key' }
  const serveByKey = (auth: Partial<AuthConfig> = BY_KEY) =>
    makeServer([...LIST, key.npub], { ...DETAILS, auth })

  it.each([
    ['npub', key.npub],
    ['hex', key.hex],
    ['nprofile', key.nprofile],
    ['a URI', `nostr:${key.npub}`],
    ['upper case', key.hex.toUpperCase()],
  ])('comes in as %s', async (_form, text) => {
    const { app } = await serveByKey()
    const inHeader = await app.inject({ url: '/auth', headers: { 'x-key': text } })
    const inQuery = await app.inject({ url: `/auth?a=b&key=${encodeURIComponent(text)}` })
    for (const response of [inHeader, inQuery]) {
      expectVerdict(response, 200, 'listed')
      expect(response.headers['x-nostr-pubkey']).toBe(key.hex)
    }
  })

  it.each([
    ['not_listed', stranger],
    ['banned', banned],
    ['expired', expired],
  ])('does not come in when it is %s', async (code, { hex }) => {
    const { app } = await serveByKey()
    expectVerdict(await app.inject({ url: '/auth', headers: { 'x-key': hex } }), 403, code)
    expectVerdict(await app.inject(`/auth?key=${hex}`), 403, code)
  })

  it('is none when it is missing', async () => {
    const { app } = await serveByKey()
    expectVerdict(await app.inject('/auth'), 401, 'key_missing')
    expectVerdict(await app.inject('/auth?Key=x&pubkey=y'), 401, 'key_missing')
    const headers = { 'x-forwarded-uri': `/?key=${key.hex}` }
    expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'key_missing')
  })

  it('is none when it is unusable', async () => {
    const { app } = await serveByKey()
    for (const text of [
      '',
      'x',
      key.hex.slice(1),
      `${key.hex}, ${key.hex}`,
      `note1${'q'.repeat(58)}`,
    ]) {
      const headers = { 'x-key': text }
      expectVerdict(await app.inject({ url: '/auth', headers }), 401, 'invalid_pubkey')
      const url = `/auth?key=${encodeURIComponent(text)}`
      expectVerdict(await app.inject(url), 401, 'invalid_pubkey')
    }
  })

  it('is none when it is a secret, which is not repeated', async () => {
    const { app, lines } = await serveByKey()
    for (const question of [
      { url: '/auth', headers: { 'x-key': key.nsec } },
      { url: `/auth?key=${key.nsec}` },
    ]) {
      const response = await app.inject(question)
      expectVerdict(response, 401, 'secret_key')
      expect(response.headers['x-reason']).toContain('SECRET')
      expect(JSON.stringify([response.headers, response.body, lines()])).not.toContain(key.nsec)
    }
  })

  it('is none when it comes more than once, even the same', async () => {
    const { app } = await serveByKey()
    const twice = [key.hex, key.hex]
    for (const question of [
      { url: '/auth', headers: { 'x-key': twice } },
      { url: `/auth?key=${key.hex}&key=${key.hex}` },
      { url: `/auth?key=${key.hex}&%6bey=${key.hex}` },
      { url: `/auth?key=${key.hex}`, headers: { 'x-key': key.hex } },
    ]) {
      expectVerdict(await app.inject(question), 401, 'key_repeated')
    }
  })

  it('is not looked for in the query of a client, which stands below /auth', async () => {
    const { app } = await serveByKey()
    expectVerdict(await app.inject(`/auth/?key=${key.hex}`), 401, 'key_missing')
    expectVerdict(await app.inject(`/auth/x?key=${key.hex}`), 401, 'key_missing')
    expectVerdict(await app.inject(`/auth#?key=${key.hex}`), 401, 'key_missing')
  })

  it('is looked for only where it is configured to be', async () => {
    const inHeader = await serveByKey({ ...BY_KEY, pubkeyQuery: undefined })
    expectVerdict(await inHeader.app.inject(`/auth?key=${key.hex}`), 401, 'key_missing')
    const inQuery = await serveByKey({ ...BY_KEY, pubkeyHeader: undefined })
    const headers = { 'x-key': key.hex }
    expectVerdict(await inQuery.app.inject({ url: '/auth', headers }), 401, 'key_missing')
  })

  it('leaves the Authorization of the application alone', async () => {
    const { app } = await serveByKey()
    for (const authorization of ['Basic YTpi', 'Nostr rubbish']) {
      const headers = { 'x-key': key.hex, authorization }
      expectVerdict(await app.inject({ url: '/auth', headers }), 200, 'listed')
    }
  })

  it('counts for nothing beside a token, where both are configured', async () => {
    const { app } = await serveByKey({ ...BY_KEY, ...TRUSTED })
    const ask = (more: Headers) =>
      app.inject({ url: '/auth', headers: forwarded('/', 'GET', { 'x-key': key.hex, ...more }) })
    expectVerdict(await ask({}), 200, 'listed')
    expectVerdict(await ask({ authorization: 'Basic YTpi' }), 200, 'listed')
    expectVerdict(await ask({ authorization: 'nostr rubbish' }), 401, 'token_bad_base64')
    expectVerdict(await ask({ authorization: tokenOf(stranger, NOW) }), 403, 'not_listed')
  })
})

describe('a client that costs too much', () => {
  const from = (address: string, signer = stranger) =>
    forwarded('/', 'GET', { authorization: tokenOf(signer, NOW), 'x-forwarded-for': address })

  it('is turned away after twenty refusals that cost a signature, even with a good token', async () => {
    const { app } = await serve()
    const client = '198.51.100.1, 192.0.2.9'
    for (let count = 0; count < 20; count += 1) {
      const response = await app.inject({ url: '/auth', headers: from(client) })
      expectVerdict(response, 403, 'not_listed')
    }
    for (const signer of [stranger, listed]) {
      const response = await app.inject({ url: '/auth', headers: from(client, signer) })
      expectVerdict(response, 503, 'too_many_attempts')
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    }
    // What costs nothing is answered as ever, and so are others: only the last address counts.
    const wrong = { ...from(client, listed), 'x-forwarded-uri': '/other' }
    expectVerdict(await app.inject({ url: '/auth', headers: wrong }), 401, 'token_wrong_url')
    const other = from('192.0.2.9, 198.51.100.1', listed)
    expectVerdict(await app.inject({ url: '/auth', headers: other }), 200, 'listed')
  })

  it('is the proxy itself where that does not tell', async () => {
    const { app } = await serve()
    const headers = without(from(''), 'x-forwarded-for')
    for (let count = 0; count < 20; count += 1) await app.inject({ url: '/auth', headers })
    expectVerdict(await app.inject({ url: '/auth', headers }), 503, 'too_many_attempts')
    const elsewhere = { url: '/auth', headers, remoteAddress: '10.1.2.3' }
    expectVerdict(await app.inject(elsewhere), 403, 'not_listed')
  })

  it('is not one that is let in, or whose token is refused for nothing', async () => {
    const { app } = await serve()
    for (let count = 0; count < 30; count += 1) {
      const response = await app.inject({ url: '/auth', headers: from('192.0.2.9', listed) })
      expectVerdict(response, 200, 'listed')
      const wrong = { ...from('192.0.2.9'), 'x-forwarded-uri': '/other' }
      expectVerdict(await app.inject({ url: '/auth', headers: wrong }), 401, 'token_wrong_url')
    }
  })
})

describe('while the list can not be asked', () => {
  it('nobody comes in, by whatever way', async () => {
    const { app, state, lines } = await serve({ ...TRUSTED, pubkeyHeader: 'x-key' })
    Object.defineProperty(state, 'allowlist', {
      get: () => {
        throw new Error('a defect')
      },
    })
    const byToken = forwarded('/', 'GET', { authorization: tokenOf(listed, NOW) })
    for (const headers of [byToken, { 'x-key': listed.hex }]) {
      const response = await app.inject({ url: '/auth', headers })
      expectVerdict(response, 503, 'list_unavailable')
      expect(response.body).not.toContain('defect')
    }
    expect(lines().filter(({ level }) => level === 'error')).toHaveLength(2)
  })
})

describe('what else the service tells of it:', () => {
  it('the metrics count verdicts and name no key', async () => {
    const { app } = await serve()
    const ask = (signer = listed) =>
      app.inject({
        url: '/auth/x',
        headers: forwarded('/', 'GET', { authorization: tokenOf(signer, NOW) }),
      })
    await ask()
    await ask()
    await ask(stranger)
    await app.inject('/auth')
    const { body } = await app.inject('/metrics')
    expect(body).toContain('whitelist_auth_answers_total{verdict="listed"} 2')
    expect(body).toContain('whitelist_auth_answers_total{verdict="not_listed"} 1')
    expect(body).toContain('whitelist_auth_answers_total{verdict="request_unknown"} 1')
    expect(body).toContain('http_requests_total{method="ANY",route="/auth",status="200"} 2')
    expect(body).toContain('http_requests_total{method="ANY",route="/auth",status="401"} 1')
    expect(body).not.toContain(listed.hex)
  })

  it('the description names all four answers', async () => {
    const { app } = await serve()
    const { paths } = (await app.inject('/openapi.json')).json<{
      paths: Record<string, { get: { responses: object } }>
    }>()
    for (const path of ['/auth', '/auth/{path}']) {
      expect(Object.keys(paths[path]?.get.responses ?? {})).toEqual(['200', '401', '403', '503'])
    }
  })

  it('other addresses are not its own', async () => {
    const { app } = await serve()
    for (const url of ['/authx', '/auth.', '/AUTH', '//auth', '/auth%2Fx', '/api/auth']) {
      expect((await app.inject(url)).statusCode).toBe(404)
    }
  })
})
