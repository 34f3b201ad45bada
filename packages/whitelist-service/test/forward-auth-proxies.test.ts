import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { getToken } from 'nostr-tools/nip98'
import { finalizeEvent } from 'nostr-tools/pure'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeSigner, SITE, type Signer } from './_auth.js'
import { startGuardedSite, type GuardedSite, type Question } from './_guarded-site.js'
import { startCaddy, startNginx, type StartProxy } from './_proxies.js'

const listed = makeSigner()
const stranger = makeSigner()
const banned = makeSigner()
const expired = makeSigner()
const LIST = {
  pubkeys: [listed.hex, banned.hex, expired.hex],
  meta: { [expired.hex]: { expires_at: '2020-01-01T00:00:00Z' } },
  banned: { [banned.hex]: {} },
}

/** The headers with a token as the documentation has clients make it. */
async function tokenOf(
  { secretKey }: Signer,
  { uri = '/', method = 'GET', site = SITE } = {},
): Promise<Record<string, string>> {
  const sign = (event: Parameters<typeof finalizeEvent>[0]) => finalizeEvent(event, secretKey)
  return { Authorization: await getToken(site + uri, method, sign, true) }
}

interface RealProxy {
  name: string
  start: StartProxy
  /** What its clients are answered while it can't ask. */
  statusWhenDown: number
}

describe.each<RealProxy>([
  { name: 'nginx', start: startNginx, statusWhenDown: 500 },
  { name: 'caddy', start: startCaddy, statusWhenDown: 502 },
])('a real $name, as docs/forward-auth.md has it', ({ name, start, statusWhenDown }) => {
  const file = findProgram(name) ?? ''
  const missing = file === '' ? ` (skipped: ${name} is not installed)` : ''

  describe.skipIf(file === '')(`with an unchanging list${missing}`, () => {
    let site: GuardedSite
    beforeAll(async () => {
      site = await startGuardedSite(start, file, LIST)
    })
    afterAll(() => site.stop())

    it('admits a listed key, and the application learns it', async () => {
      const { headers } = await site.admit({ headers: await tokenOf(listed) })
      expect(headers['x-nostr-pubkey']).toBe(listed.hex)
      expect(headers.host).toBe(new URL(SITE).host)
    })

    it('lets no client tell the application another key', async () => {
      const token = await tokenOf(listed)
      for (const name of ['X-Nostr-Pubkey', 'x-nostr-pubkey', 'X-NOSTR-PUBKEY']) {
        for (const value of [banned.hex, [banned.hex, stranger.hex]]) {
          const { headers } = await site.admit({ headers: { ...token, [name]: value } })
          expect(headers['x-nostr-pubkey']).toBe(listed.hex)
        }
      }
    })

    it('admits nobody for naming a listed key', async () => {
      const headers = { 'X-Nostr-Pubkey': listed.hex }
      const { status } = await site.refuse({ uri: `/?pubkey=${listed.hex}`, headers })
      expect(status).toBe(401)
    })

    it.each([
      ['not listed', stranger, 'this key is not on the list'],
      ['banned', banned, 'this key is banned'],
      ['expired', expired, 'the time of this key on the list is over'],
    ])('answers 403 to a key that is %s', async (_state, signer, reason) => {
      const { status, headers } = await site.refuse({ headers: await tokenOf(signer) })
      expect([status, headers['x-reason']]).toEqual([403, reason])
    })

    it('answers 401 without a token, and says what to bring', async () => {
      const { status, headers } = await site.refuse({})
      expect([status, headers['www-authenticate']]).toEqual([401, 'Nostr'])
      expect(headers['x-reason']).toContain('NIP-98')
    })

    it.each<[string, Question]>([
      ['path', { uri: '/other' }],
      ['query', { uri: '/?a=1' }],
      ['method', { method: 'DELETE' }],
      ['path, whatever the client says', { uri: '/a', headers: { 'X-Forwarded-Uri': '/' } }],
      ['path, said twice', { uri: '/a', headers: { 'X-Forwarded-Uri': ['/', '/'] } }],
      ['method, whatever it says', { method: 'PUT', headers: { 'X-Forwarded-Method': 'GET' } }],
    ])('answers 401 to a token for another %s', async (_what, { headers, ...question }) => {
      const token = await tokenOf(listed)
      const answer = await site.refuse({ ...question, headers: { ...token, ...headers } })
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Nostr'])
    })

    it('answers 401 to a token for another host, whatever the client says', async () => {
      const spoofed = { 'X-Forwarded-Host': 'other.example.com' }
      const token = await tokenOf(listed, { site: 'https://other.example.com' })
      expect((await site.refuse({ headers: { ...token, ...spoofed } })).status).toBe(401)
      await site.admit({ headers: { ...(await tokenOf(listed)), ...spoofed } })
    })

    it.each(['/a?b=c&d=%2F&d=e%20f', '/a%20b/%C3%A4?', '/?x=/auth?y', '/a,b;c?d,e', '/a%2Fb//c'])(
      'judges %s byte for byte, and passes it on like that',
      async (uri) => {
        const { url } = await site.admit({ uri, headers: await tokenOf(listed, { uri }) })
        expect(url).toBe(uri)
      },
    )

    it.each(['POST', 'PUT', 'PATCH'])('passes on the body of a %s', async (method) => {
      const body = 'body '.repeat(5000)
      const token = await tokenOf(listed, { method })
      const length = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }
      const seen = await site.admit({ method, headers: { ...token, ...length }, body })
      expect(seen).toMatchObject({ method, body })
    })

    it('passes on a body that comes in pieces', async () => {
      const token = await tokenOf(listed, { method: 'POST' })
      const headers = { ...token, 'Transfer-Encoding': 'chunked' }
      const seen = await site.admit({ method: 'POST', headers, body: 'in pieces' })
      expect(seen.body).toBe('in pieces')
    })

    it.each(['HEAD', 'OPTIONS', 'DELETE', 'PROPFIND'])('judges %s like GET', async (method) => {
      const seen = await site.admit({ method, headers: await tokenOf(listed, { method }) })
      expect(seen.method).toBe(method)
      expect((await site.refuse({ method })).status).toBe(401)
    })

    it('judges a change of the protocol like any request', async () => {
      const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }
      await site.admit({ headers: { ...(await tokenOf(listed)), ...upgrade } })
      expect((await site.refuse({ headers: upgrade })).status).toBe(401)
    })

    it('leads to no other address of the whitelist service', async () => {
      for (const uri of ['/auth', '/auth/', '/api/list', '/_whitelist']) {
        expect([401, 404]).toContain((await site.refuse({ uri })).status)
      }
    })
  })

  describe.skipIf(file === '')(`with changes${missing}`, () => {
    async function startSite(): Promise<GuardedSite> {
      const site = await startGuardedSite(start, file, LIST)
      onTestFinished(() => site.stop())
      return site
    }

    it('admits nobody who was banned meanwhile: no answer is kept', async () => {
      const site = await startSite()
      const headers = await tokenOf(listed)
      await site.admit({ headers })
      await site.writeList({ ...LIST, banned: { [listed.hex]: {} } })
      const check = `${await site.whitelist.url}/api/check/${listed.hex}`
      await vi.waitFor(
        async () => {
          expect((await fetch(check)).status).toBe(403)
        },
        { timeout: 30_000, interval: 20 },
      )
      expect((await site.refuse({ headers })).status).toBe(403)
    })

    it('admits nobody while the whitelist service is down', async () => {
      const site = await startSite()
      const headers = await tokenOf(listed)
      await site.admit({ headers })
      await site.whitelist.stop()
      expect((await site.refuse({ headers })).status).toBe(statusWhenDown)
      expect((await site.refuse({})).status).toBe(statusWhenDown)
    })
  })
})
