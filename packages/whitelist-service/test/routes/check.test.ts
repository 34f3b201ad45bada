import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { listOf } from '../_bytes.js'
import { makeServer } from '../_server.js'

const key = makeKey()
const stranger = makeKey()
/** As long as an nprofile gets that is still looked at. */
const relays = Array.from(
  { length: 20 },
  (_, index) => `wss://${'relay'.repeat(20)}${index}.example`,
)
const longProfile = nip19.nprofileEncode({ pubkey: key.hex, relays })
const SPELLINGS = [
  ['hex', key.hex],
  ['upper-case hex', key.hex.toUpperCase()],
  ['an npub', key.npub],
  ['an upper-case npub', key.npub.toUpperCase()],
  ['an nprofile', key.nprofile],
  ['a long nprofile', longProfile],
  ['a nostr: URI', `nostr:${key.npub}`],
  ['white space around it', ` ${key.npub}\n`],
] as const

/** The two forms of the question. */
const FORMS = [
  ['/api/check?pubkey=K', (pubkey: string) => `/api/check?pubkey=${encodeURIComponent(pubkey)}`],
  ['/api/check/K', (pubkey: string) => `/api/check/${encodeURIComponent(pubkey)}`],
] as const

describe.each(FORMS)('GET %s', (_form, ask) => {
  it('answers 200 to a key that is allowed', async () => {
    const { app, state } = await makeServer([key.npub])
    const response = await app.inject(ask(key.hex))
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.body).toBe(
      `{"allowed":true,"pubkey":"${key.hex}","npub":"${key.npub}","code":"listed",` +
        `"version":"${state.allowlist.version}"}`,
    )
  })

  it('answers 403 to a key that is not on the list', async () => {
    const { app, state } = await makeServer([key.npub])
    const response = await app.inject(ask(stranger.npub))
    expect(response.statusCode).toBe(403)
    expect(response.body).toBe(
      `{"allowed":false,"pubkey":"${stranger.hex}","npub":"${stranger.npub}","code":"not_listed",` +
        `"version":"${state.allowlist.version}"}`,
    )
  })

  it('answers 403 to a banned key, and tells nothing else of it', async () => {
    const { app, state } = await makeServer([key.npub], {
      meta: { [key.hex]: { label: 'Ann', expires_at: '2030-01-01T00:00:00Z' } },
      banned: { [key.npub]: { reason: 'spam' } },
    })
    const response = await app.inject(ask(key.npub))
    expect(response.statusCode).toBe(403)
    expect(response.body).toBe(
      `{"allowed":false,"pubkey":"${key.hex}","npub":"${key.npub}","code":"banned",` +
        `"version":"${state.allowlist.version}"}`,
    )
  })

  it('answers with the label and the expiry of a key, before and after', async () => {
    const meta = { [key.hex]: { label: 'Ann "A"\u2028', expires_at: 1_796_083_200, reason: 'r' } }
    const { app, state, time } = await makeServer([key.npub], { meta })
    const { version } = state.allowlist
    const rest = `"label":${JSON.stringify('Ann "A"\u2028')},"expires_at":"2026-12-01T00:00:00Z","version":"${version}"}`
    time.now = 1_796_083_199
    const before = await app.inject(ask(key.npub))
    expect([before.statusCode, before.body]).toEqual([
      200,
      `{"allowed":true,"pubkey":"${key.hex}","npub":"${key.npub}","code":"listed",${rest}`,
    ])
    time.now = 1_796_083_200
    const after = await app.inject(ask(key.npub))
    expect([after.statusCode, after.body]).toEqual([
      403,
      `{"allowed":false,"pubkey":"${key.hex}","npub":"${key.npub}","code":"expired",${rest}`,
    ])
  })

  it.each(SPELLINGS)('knows a key in %s', async (_, pubkey) => {
    const { app } = await makeServer([key.hex])
    const response = await app.inject(ask(pubkey))
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ pubkey: key.hex, npub: key.npub })
  })

  it('asks the list that is served now', async () => {
    const { app, state } = await makeServer([])
    expect((await app.inject(ask(key.npub))).statusCode).toBe(403)
    state.allowlist = parseAllowlist(listOf([key.npub]))
    expect((await app.inject(ask(key.npub))).statusCode).toBe(200)
  })

  it.each([
    [100, 'max-age=5'],
    [6, 'max-age=5'],
    [5, 'max-age=5'],
    [4, 'max-age=4'],
    [1, 'max-age=1'],
    [0, 'max-age=5'],
    [-9, 'max-age=5'],
  ])('lets the answer be kept %i s before the expiry for %s', async (left, kept) => {
    const meta = { [key.hex]: { expires_at: 1_800_000_000 } }
    const { app, time } = await makeServer([key.npub], { meta })
    time.now = 1_800_000_000 - left
    const response = await app.inject(ask(key.npub))
    expect(response.statusCode).toBe(left > 0 ? 200 : 403)
    expect(response.headers['cache-control']).toBe(kept)
  })

  it('lets an answer without an expiry be kept for 5 s', async () => {
    const { app } = await makeServer([key.npub], { banned: { ['c'.repeat(64)]: {} } })
    for (const pubkey of [key.npub, stranger.npub, 'c'.repeat(64)]) {
      const response = await app.inject(ask(pubkey))
      expect(response.headers['cache-control']).toBe('max-age=5')
    }
  })

  it('answers HEAD with the same status and length, without a body', async () => {
    const { app } = await makeServer([key.npub])
    for (const pubkey of [key.npub, stranger.npub, 'x']) {
      const get = await app.inject(ask(pubkey))
      const head = await app.inject({ method: 'HEAD', url: ask(pubkey) })
      expect([head.statusCode, head.body]).toEqual([get.statusCode, ''])
      expect(head.headers['content-length']).toBe(get.headers['content-length'])
      expect(head.headers['cache-control']).toBe(get.headers['cache-control'])
    }
  })

  it.each([
    ['what is no key', 'x', 'not a Nostr public key: use npub1…, nprofile1… or 64 hex digits'],
    ['hex that was cut', key.hex.slice(1), 'a public key has 32 bytes, which are 64 hex digits'],
    ['an npub with a typo', `${key.npub.slice(0, -1)}b`, /^the checksum is wrong/],
    ['a note', nip19.noteEncode(key.hex), /^this is a Nostr identifier, but not a key/],
    ['white space alone', ' ', 'the public key is empty'],
    ['a key that is not ASCII', 'npub1\u212a', 'a public key has ASCII letters and digits only'],
    ['5,001 characters', 'a'.repeat(5001), 'pubkey has more than 5000 characters'],
    ['__proto__', '__proto__', 'not a Nostr public key: use npub1…, nprofile1… or 64 hex digits'],
  ])('answers 400 to %s, though the list has such an entry', async (_, pubkey, message) => {
    const { app } = await makeServer([key.npub, pubkey])
    const response = await app.inject(ask(pubkey))
    expect(response.statusCode).toBe(400)
    expect(response.headers['cache-control']).toBe('no-store')
    const text: unknown = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(response.json()).toEqual({
      statusCode: 400,
      code: 'invalid_pubkey',
      error: 'Bad Request',
      message: text,
    })
  })

  it.each([
    ['an nsec', key.nsec],
    ['an upper-case nsec', key.nsec.toUpperCase()],
    ['an nsec after nostr:', `nostr:${key.nsec}`],
    ['an nsec with a typo', `${key.nsec.slice(0, -1)}b`],
    ['an nsec far too long', key.nsec.padEnd(6000, 'q')],
    ['an ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91))],
  ])('answers 400 to %s and does not repeat it', async (_, secret) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(ask(secret))
    expect(response.statusCode).toBe(400)
    expect(response.body.toLowerCase()).not.toContain(secret.toLowerCase().slice(6, 20))
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it('answers 503, which is not to be kept, where the list can not be asked', async () => {
    const { app, state, lines } = await makeServer([key.npub])
    const failure = new Error('out of memory: hunter2')
    Object.defineProperty(state, 'allowlist', {
      get: () => {
        throw failure
      },
    })
    const response = await app.inject(ask(key.npub))
    expect(response.statusCode).toBe(503)
    expect(response.headers['cache-control']).toBe('no-store')
    expect(response.json()).toEqual({
      statusCode: 503,
      code: 'list_unavailable',
      error: 'Service Unavailable',
      message: 'the list can not be asked just now: let nobody in',
    })
    expect(lines().find(({ msg }) => msg === 'request failed')).toMatchObject({
      level: 'error',
      err: { message: 'out of memory: hunter2' },
    })
  })

  it('answers whatever is asked with 200, 400 or 403, and only the listed key with 200', async () => {
    const { app } = await makeServer([key.npub])
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.constantFrom(...SPELLINGS.map(([, spelling]) => spelling)),
      fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((key) => Buffer.from(key).toString('hex')),
    )
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const response = await app.inject(ask(text))
        const isListed = SPELLINGS.some(([, spelling]) => spelling === text)
        if (isListed) expect(response.statusCode).toBe(200)
        else expect([400, 403]).toContain(response.statusCode)
      }),
    )
  })
})

describe('GET /api/check', () => {
  it.each([
    ['missing', '/api/check', /^pubkey is missing: add \?pubkey=npub1…$/],
    ['missing beside others', `/api/check?key=${key.npub}`, /^pubkey is missing/],
    ['empty', '/api/check?pubkey=', /^pubkey is empty$/],
    ['repeated', `/api/check?pubkey=${key.npub}&pubkey=${key.npub}`, /^pubkey must be given once$/],
    ['asked for as __proto__', `/api/check?__proto__=${key.npub}`, /^pubkey is missing/],
    ['left out of the path', '/api/check/', /^pubkey is empty$/],
  ])('answers 400 where pubkey is %s', async (_, url, message) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(url)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({
      code: 'invalid_pubkey',
      message: expect.stringMatching(message) as string,
    })
  })

  it('does not take the key from the query where one is in the path', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(`/api/check/${stranger.npub}?pubkey=${key.npub}`)
    expect(response.statusCode).toBe(403)
  })

  it('ignores other parameters, as a proxy may add some', async () => {
    const { app } = await makeServer([key.npub])
    expect((await app.inject(`/api/check/${key.npub}?a=b`)).statusCode).toBe(200)
    expect((await app.inject(`/api/check?a=b&pubkey=${key.npub}&c`)).statusCode).toBe(200)
  })

  it.each(['/api/check/%zz', '/api/check/%', '/api/check/%ff', `/api/check/${key.npub}/x`])(
    'never answers 200 to %s',
    async (url) => {
      const { app } = await makeServer([key.npub])
      expect([400, 404]).toContain((await app.inject(url)).statusCode)
    },
  )

  it('answers no other method', async () => {
    const { app } = await makeServer([key.npub])
    for (const method of ['POST', 'PUT', 'DELETE'] as const) {
      const inQuery = await app.inject({ method, url: `/api/check?pubkey=${key.npub}` })
      expect(inQuery.statusCode).toBe(405)
      const inPath = await app.inject({ method, url: `/api/check/${key.npub}` })
      expect(inPath.statusCode).toBe(405)
      expect(inPath.headers['allow']).toBe('GET, HEAD')
    }
  })
})
