import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { listOf } from '../_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { makeServer } from '../_server.js'

const key = makeKey()
const stranger = makeKey()

function ask(pubkey: string): string {
  return `/api/whitelist?pubkey=${encodeURIComponent(pubkey)}`
}

describe('GET /api/whitelist', () => {
  it('answers true for a key on the list', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(ask(key.npub))
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.body).toBe(`{"is_whitelisted":true,"pubkey":"${key.npub}"}`)
  })

  it('answers false for any other key', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(ask(stranger.npub))
    expect(response.statusCode).toBe(200)
    expect(response.body).toBe(`{"is_whitelisted":false,"pubkey":"${stranger.npub}"}`)
  })

  it.each([
    ['hex', key.hex],
    ['upper-case hex', key.hex.toUpperCase()],
    ['an npub', key.npub],
    ['an upper-case npub', key.npub.toUpperCase()],
    ['an nprofile', key.nprofile],
    ['a nostr: URI', `nostr:${key.npub}`],
    ['white space around it', `\t${key.npub} `],
  ])('finds a key asked for as %s and repeats it as it was asked', async (_, pubkey) => {
    const { app } = await makeServer([key.hex])
    expect((await app.inject(ask(pubkey))).body).toBe(
      JSON.stringify({ is_whitelisted: true, pubkey }),
    )
  })

  it('reads a key with every character URL-encoded', async () => {
    const { app } = await makeServer([key.npub])
    const encoded = Buffer.from(key.npub).toString('hex').replaceAll(/../g, '%$&')
    expect((await app.inject(`/api/whitelist?pubkey=${encoded}`)).json()).toEqual({
      is_whitelisted: true,
      pubkey: key.npub,
    })
  })

  it('finds an entry that is no key where it is asked for exactly so', async () => {
    const { app } = await makeServer(['Friend & co'])
    expect((await app.inject(ask('Friend & co'))).json()).toMatchObject({ is_whitelisted: true })
    expect((await app.inject(ask('friend & co'))).json()).toMatchObject({ is_whitelisted: false })
  })

  it('asks the list that is served now', async () => {
    const { app, state } = await makeServer([])
    expect((await app.inject(ask(key.npub))).json()).toMatchObject({ is_whitelisted: false })
    state.allowlist = parseAllowlist(listOf([key.npub]))
    expect((await app.inject(ask(key.npub))).json()).toMatchObject({ is_whitelisted: true })
  })

  it('ignores other parameters', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(`${ask(key.npub)}&host=relay.example&pubkeys=x`)
    expect(response.json()).toEqual({ is_whitelisted: true, pubkey: key.npub })
  })

  it.each(['__proto__', 'constructor', 'toString', 'null', 'undefined', '*'])(
    'answers false for the query %s',
    async (pubkey) => {
      const { app } = await makeServer([key.npub])
      expect((await app.inject(ask(pubkey))).json()).toEqual({ is_whitelisted: false, pubkey })
    },
  )

  it('answers HEAD without a body', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject({ method: 'HEAD', url: ask(key.npub) })
    expect([response.statusCode, response.body]).toEqual([200, ''])
  })

  it.each([
    ['missing', '/api/whitelist', /^pubkey is missing: add \?pubkey=npub1…$/],
    ['missing beside others', '/api/whitelist?key=a', /^pubkey is missing/],
    ['asked for as __proto__', '/api/whitelist?__proto__=a', /^pubkey is missing/],
    ['spelled otherwise', '/api/whitelist?Pubkey=a', /^pubkey is missing/],
    ['empty', '/api/whitelist?pubkey=', /^pubkey is empty$/],
    ['without a value', '/api/whitelist?pubkey', /^pubkey is empty$/],
    ['repeated', '/api/whitelist?pubkey=a&pubkey=b', /^pubkey must be given once$/],
    ['repeated as the same', '/api/whitelist?pubkey=a&pubkey=a', /^pubkey must be given once$/],
    ['5,001 characters long', ask('a'.repeat(5001)), /^pubkey has more than 5000 characters$/],
  ])('answers 400 where pubkey is %s', async (_, url, message) => {
    const { app } = await makeServer([key.npub, 'a', ''])
    const response = await app.inject(url)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      statusCode: 400,
      code: 'invalid_pubkey',
      error: 'Bad Request',
      message: expect.stringMatching(message) as string,
    })
  })

  it('answers a query of 5,000 characters', async () => {
    const pubkey = 'a'.repeat(5000)
    const { app } = await makeServer([])
    const response = await app.inject(ask(pubkey))
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ is_whitelisted: false, pubkey })
  })

  it.each([
    ['an nsec', key.nsec],
    ['an upper-case nsec', key.nsec.toUpperCase()],
    ['an nsec after nostr:', `nostr:${key.nsec}`],
    ['an nsec with a typo', `${key.nsec.slice(0, -1)}b`],
    ['an nsec with a zero-width character inside', key.nsec.replace('s', '\u200bs')],
    ['an nsec after a key', `${key.npub} ${key.nsec}`],
    ['an ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91))],
  ])('answers 400 to %s and does not repeat it', async (_, secret) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(ask(secret))
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      statusCode: 400,
      code: 'secret_key',
      error: 'Bad Request',
      message: 'pubkey is a SECRET key: treat it as leaked, stop using it and make a new one',
    })
  })

  it.each([
    ['repeated', `/api/whitelist?pubkey=${key.nsec}&pubkey=${key.nsec}`],
    ['too long', ask(key.nsec.padEnd(5001))],
    ['in another parameter', `/api/whitelist?secret=${key.nsec}`],
    ['in the path', `/api/whitelist/${key.nsec}`],
  ])('does not repeat a secret key that is %s', async (_, url) => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject(url)
    expect([400, 404]).toContain(response.statusCode)
    expect(response.body).not.toContain(key.nsec.slice(5, 20))
  })

  it('answers any query with a verdict or a 400', async () => {
    const { app } = await makeServer([key.npub])
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (pubkey) => {
        const response = await app.inject(ask(pubkey))
        if (pubkey === '') expect(response.statusCode).toBe(400)
        else expect(response.json()).toEqual({ is_whitelisted: false, pubkey })
      }),
    )
  })

  it('answers any query string at all', async () => {
    const { app } = await makeServer([key.npub])
    const pieces = fc.constantFrom(
      'pubkey',
      '=',
      '&',
      '%',
      '%zz',
      '%ff',
      '+',
      '[',
      ']',
      '?',
      '#',
      'a',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces), async (parts) => {
        const response = await app.inject(`/api/whitelist?${parts.join('')}`)
        expect([200, 400]).toContain(response.statusCode)
      }),
    )
  })
})

describe('GET /api/list', () => {
  it('answers the list as the file spells it, in its order', async () => {
    const pubkeys = [stranger.npub, key.hex.toUpperCase(), key.npub, 'x', stranger.npub]
    const { app } = await makeServer(pubkeys)
    const response = await app.inject('/api/list')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.body).toBe(JSON.stringify({ pubkeys }))
  })

  it('answers an empty list', async () => {
    const { app } = await makeServer([])
    expect((await app.inject('/api/list')).body).toBe('{"pubkeys":[]}')
  })

  it('answers the list that is served now', async () => {
    const { app, state } = await makeServer(['a'])
    state.allowlist = parseAllowlist(listOf(['b']))
    expect((await app.inject('/api/list')).body).toBe('{"pubkeys":["b"]}')
  })

  it('answers any number of times', async () => {
    const { app } = await makeServer(['a'])
    const responses = await Promise.all([1, 2, 3].map(() => app.inject('/api/list')))
    expect(responses.map(({ body }) => body)).toEqual(Array(3).fill('{"pubkeys":["a"]}'))
  })
})
