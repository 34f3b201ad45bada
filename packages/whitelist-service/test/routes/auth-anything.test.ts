import { METHODS } from 'node:http'
import { listen } from '@dstack-node/service-kit'
import { exchangeRaw, readAnswer } from '@dstack-node/testbed/test-tools/raw-http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAuthHost } from '../../src/auth/auth-hosts.js'
import { parseAddressRange } from '../../src/trusted-proxies.js'
import { makeSigner, SITE, tokenOf } from '../_auth.js'
import { LOADED_AT, makeServer } from '../_server.js'

const NOW = LOADED_AT.getTime() / 1000
const STATUSES = [200, 401, 403, 503]

const listed = makeSigner()
const banned = makeSigner()
const stranger = makeSigner()
const SIGNERS = [listed, banned, stranger]

/** The service on a port of its own, where a trusted proxy asks. */
async function startService(): Promise<string> {
  const { app } = await makeServer([listed.hex, banned.hex], {
    banned: { [banned.hex]: {} },
    auth: { trustedProxies: [parseAddressRange('127.0.0.1')], hosts: [parseAuthHost(SITE)] },
  })
  return listen(app, { host: '127.0.0.1', port: 0 })
}

interface Question {
  method?: string
  url?: string
  headers?: readonly (readonly [string, string])[]
  body?: string
}

function bytesOf({ method = 'GET', url = '/auth', headers = [], body = '' }: Question): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${url} HTTP/1.1\r\nConnection: close\r\n${lines}\r\n${body}`
}

async function statusOf(base: string, question: Question): Promise<number> {
  const answer = await exchangeRaw(base, bytesOf(question))
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
}

const forwarded = (
  method: string,
  uri: string,
  host = 'media.example.com',
): (readonly [string, string])[] => [
  ['X-Forwarded-Method', method],
  ['X-Forwarded-Host', host],
  ['X-Forwarded-Uri', uri],
]

describe('ANY /auth', () => {
  const methods = METHODS.filter((method) => method !== 'CONNECT')

  it.each(methods)('answers %s, at any path below, as it answers GET', async (method) => {
    const base = await startService()
    const authorization = tokenOf(listed, NOW, { url: `${SITE}/x`, method })
    const headers: [string, string][] = [
      ['Host', 'media.example.com'],
      ['Authorization', authorization],
    ]
    expect(await statusOf(base, { method, url: '/auth/x', headers })).toBe(200)
    expect(await statusOf(base, { method, url: '/auth/y', headers })).toBe(401)
    expect(await statusOf(base, { method, url: '/auth' })).toBe(401)
  })

  it.each([
    '/auth/%',
    '/auth/%zz',
    '/auth/%c3%28',
    '/auth/%00',
    '/auth/..',
    '/auth//',
    '/auth/?%',
    '/auth?%zz=%',
    '/auth#x',
    `/auth/${'x'.repeat(12_000)}`,
    '/auth/http://evil.example/',
    '/auth/;x=y',
  ])('answers at %.40s', async (url) => {
    const base = await startService()
    expect(await statusOf(base, { url, headers: [['Host', 'media.example.com']] })).toBe(401)
    const headers = [...forwarded('GET', '/'), ['Authorization', tokenOf(listed, NOW)] as const]
    expect(await statusOf(base, { url, headers })).toBe(200)
  })

  it.each<[string, Question]>([
    ['JSON that is none', { headers: [['Content-Type', 'application/json']], body: '{' }],
    ['an unknown type', { headers: [['Content-Type', 'x/y']], body: 'z' }],
    ['a type that is none', { headers: [['Content-Type', ';;']], body: 'z' }],
    ['no type', { body: 'z' }],
    ['a large body', { headers: [['Content-Type', 'text/plain']], body: 'z'.repeat(200_000) }],
    ['a body that is only announced', { headers: [['X-Body', 'later']] }],
  ])('answers whatever the body is: %s', async (_what, { headers = [], body = '' }) => {
    const base = await startService()
    const length = body === '' ? 5_000_000 : body.length
    const more = [...headers, ['Content-Length', String(length)] as const]
    for (const method of ['POST', 'PUT', 'GET', 'DELETE', 'PROPFIND', 'OPTIONS']) {
      expect(await statusOf(base, { method, headers: more, body })).toBe(401)
    }
  })

  it('answers whatever is expected of it', async () => {
    const base = await startService()
    expect(await statusOf(base, { headers: [['Expect', 'the unexpected']] })).toBe(401)
    const elsewhere = { url: '/health', headers: [['Expect', 'the unexpected']] as const }
    expect(await statusOf(base, elsewhere)).toBe(417)
  })

  it('answers who wants to change the protocol', async () => {
    const base = await startService()
    const upgrade = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ] as const
    const authorization = ['Authorization', tokenOf(listed, NOW)] as const
    const headers = [...upgrade, ...forwarded('GET', '/'), authorization]
    expect(await statusOf(base, { headers })).toBe(200)
  })

  it('answers with the body of an error', async () => {
    const base = await startService()
    const answer = readAnswer(await exchangeRaw(base, bytesOf({ method: 'PROPFIND' })))
    expect(answer.status).toBe(401)
    expect(answer.headers).toContain('www-authenticate: nostr')
    expect(answer.body).toMatchObject({ statusCode: 401, code: 'request_unknown' })
  })
})

describe('whatever comes', () => {
  const line = fc.stringMatching(/^[/?&=%#;:@,.*+ aZ09é]{0,30}$/).map((text) => text.trim())
  // Other bytes in a path are refused by Node's parser.
  const path = fc.stringMatching(/^[/?&=%#;:@,.*+aZ09]{0,30}$/)
  const uri = fc.oneof(fc.constantFrom('/', '/a?b=c', '/%zz', '//x'), line)
  const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'get', '')
  const name = fc.constantFrom(
    'Host',
    'Content-Type',
    'Accept',
    'Expect',
    'X-Nostr-Pubkey',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded-Uri',
    'X-Forwarded-Method',
    'X-Forwarded-For',
    'Authorization',
  )
  const value = fc.oneof(line, fc.constantFrom('media.example.com', 'GET', '/', listed.hex))

  /** A token, what it is for, and what the proxy says: mostly the same. */
  const question = fc.record({
    signer: fc.constantFrom(...SIGNERS),
    token: fc.record({ method, uri }),
    isForged: fc.boolean(),
    told: fc.option(fc.record({ method, uri }), { freq: 2, nil: undefined }),
    host: fc.constantFrom('media.example.com', 'MEDIA.example.com:443', 'evil.example'),
    below: fc.oneof(
      fc.constant(''),
      path.map((text) => `/${text}`),
      path.map((text) => `?${text}`),
    ),
    more: fc.array(fc.tuple(name, value), { maxLength: 2 }),
    client: fc.ipV4(),
  })

  it('is answered 200, 401, 403 or 503, and 200 only to who may come in', async () => {
    const base = await startService()
    await fc.assert(
      fc.asyncProperty(question, async ({ signer, token, told = token, ...asked }) => {
        const url = SITE + token.uri
        const authorization = tokenOf(signer, NOW, { url, method: token.method })
        const isForged = asked.isForged && signer !== listed
        const headers = [
          ...forwarded(told.method, told.uri, asked.host),
          ['Authorization', isForged ? forge(authorization, signer.hex) : authorization] as const,
          ...asked.more,
          ['X-Forwarded-For', asked.client] as const,
        ]
        const status = await statusOf(base, { url: `/auth${asked.below}`, headers })
        expect(STATUSES).toContain(status)
        const isFor = told.method === token.method && rooted(told.uri) === rooted(token.uri)
        const mayComeIn = signer === listed && isFor && asked.host !== 'evil.example'
        if (!mayComeIn) expect(status).not.toBe(200)
        const isPlain = asked.more.length === 0 && /^\/[!-~]*$/.test(token.uri)
        if (mayComeIn && isPlain && /^[A-Z]+$/.test(token.method)) expect(status).toBe(200)
      }),
      { numRuns: 400 },
    )
  })
})

/** The slash of an empty path is optional in a URL. */
function rooted(uri: string): string {
  return uri === '' || uri.startsWith('?') ? `/${uri}` : uri
}

/** The token with another key in it. */
function forge(authorization: string, from: string): string {
  const text = Buffer.from(authorization.slice('Nostr '.length), 'base64').toString()
  return `Nostr ${Buffer.from(text.replace(from, listed.hex)).toString('base64')}`
}
