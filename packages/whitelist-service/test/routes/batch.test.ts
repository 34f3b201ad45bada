import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { listOf } from '../_bytes.js'
import { makeServer } from '../_server.js'

const key = makeKey()
const other = makeKey()
const stranger = makeKey()
const JSON_TYPE = { 'content-type': 'application/json' }

function post(app: FastifyInstance, payload: string, headers: Record<string, string> = JSON_TYPE) {
  return app.inject({ method: 'POST', url: '/api/whitelist', headers, payload })
}

function ask(app: FastifyInstance, pubkeys: unknown) {
  return post(app, JSON.stringify({ pubkeys }))
}

describe('POST /api/whitelist', () => {
  it('answers for each key, in the order of the question', async () => {
    const { app } = await makeServer([key.npub, other.hex])
    const response = await ask(app, [stranger.npub, other.npub, key.hex])
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.body).toBe(
      `{"results":[{"pubkey":"${stranger.npub}","is_whitelisted":false},` +
        `{"pubkey":"${other.npub}","is_whitelisted":true},` +
        `{"pubkey":"${key.hex}","is_whitelisted":true}]}`,
    )
  })

  it('knows each spelling of a key and repeats it as it was asked', async () => {
    const { app } = await makeServer([key.hex])
    const spellings = [
      key.hex.toUpperCase(),
      key.npub,
      key.nprofile,
      `nostr:${key.npub}`,
      ` ${key.hex}\n`,
    ]
    expect((await ask(app, spellings)).json()).toEqual({
      results: spellings.map((pubkey) => ({ pubkey, is_whitelisted: true })),
    })
  })

  it('answers as often as it is asked', async () => {
    const { app } = await makeServer([key.hex])
    const { results } = (await ask(app, Array(100).fill(key.npub))).json<{ results: object[] }>()
    expect(results).toEqual(Array(100).fill({ pubkey: key.npub, is_whitelisted: true }))
  })

  it('answers no question at all', async () => {
    const { app } = await makeServer([key.hex])
    expect((await ask(app, [])).body).toBe('{"results":[]}')
  })

  it('lets in neither a banned key nor one that has expired', async () => {
    const { app, time } = await makeServer([key.hex, other.hex, stranger.hex], {
      meta: { [other.hex]: { expires_at: 1_800_000_000 } },
      banned: { [key.npub]: {} },
    })
    time.now = 1_800_000_000
    const { results } = (await ask(app, [key.hex, other.hex, stranger.hex])).json<Answer>()
    expect(results.map((result) => result.is_whitelisted)).toEqual([false, false, true])
  })

  it('finds an entry that is no key where it is asked for exactly so, without a complaint', async () => {
    const { app } = await makeServer(['Friend'])
    expect((await ask(app, ['Friend', 'friend'])).json()).toEqual({
      results: [
        { pubkey: 'Friend', is_whitelisted: true },
        { pubkey: 'friend', is_whitelisted: false, code: 'unknown_form' },
      ],
    })
  })

  it('never finds an empty text, which a single question must not be either', async () => {
    const { app } = await makeServer(['', ' '])
    expect((await ask(app, ['', ' '])).json()).toEqual({
      results: [
        { pubkey: '', is_whitelisted: false, code: 'empty' },
        { pubkey: ' ', is_whitelisted: true },
      ],
    })
    expect((await app.inject('/api/whitelist?pubkey=')).statusCode).toBe(400)
    expect((await app.inject('/api/whitelist?pubkey=%20')).json()).toMatchObject({
      is_whitelisted: true,
    })
  })

  it.each([
    ['an empty text', '', 'empty'],
    ['white space', ' ', 'empty'],
    ['what is no key', 'x', 'unknown_form'],
    ['hex that was cut', key.hex.slice(1), 'bad_length'],
    ['an npub with a typo', `${key.npub.slice(0, -1)}b`, 'bad_checksum'],
    ['a note', nip19.noteEncode(key.hex), 'wrong_prefix'],
    ['what is not ASCII', 'npub1\u212a', 'not_ascii'],
    ['half a character', '\ud83d', 'not_ascii'],
    ['__proto__', '__proto__', 'unknown_form'],
  ])('says of %s why it is no key, and answers the rest', async (_, entry, code) => {
    const { app } = await makeServer([key.hex])
    expect((await ask(app, [entry, key.npub])).json()).toEqual({
      results: [
        { pubkey: entry, is_whitelisted: false, code },
        { pubkey: key.npub, is_whitelisted: true },
      ],
    })
  })

  it.each([
    ['null', null],
    ['true', true],
    ['a number', 7],
    ['an array with a key', [key.hex]],
    ['an object', { pubkey: key.hex, toString: 'hunter2' }],
  ])('does not repeat %s, which is no text', async (_, entry) => {
    const { app } = await makeServer([key.hex])
    expect((await ask(app, [entry, key.npub])).json()).toEqual({
      results: [
        { pubkey: null, is_whitelisted: false, code: 'not_a_string' },
        { pubkey: key.npub, is_whitelisted: true },
      ],
    })
  })

  it.each([
    ['an nsec', key.nsec],
    ['an upper-case nsec', key.nsec.toUpperCase()],
    ['an nsec with a typo', `${key.nsec.slice(0, -1)}b`],
    ['an nsec inside of a text', `my key is ${key.nsec}`],
    ['an nsec with a zero-width character inside', key.nsec.replace('s', '\u200bs')],
    ['an nsec far too long', key.nsec.padEnd(6000)],
    ['an ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91))],
  ])('does not repeat %s and says what it is', async (_, secret) => {
    const { app } = await makeServer([key.hex])
    const response = await ask(app, [secret, key.npub])
    expect(response.json()).toEqual({
      results: [
        { pubkey: null, is_whitelisted: false, code: 'secret_key' },
        { pubkey: key.npub, is_whitelisted: true },
      ],
    })
  })

  it('does not repeat a text that is longer than any key', async () => {
    const { app } = await makeServer(['a'.repeat(5001)])
    const { results } = (await ask(app, ['a'.repeat(5001), 'a'.repeat(5000)])).json<Answer>()
    expect(results).toEqual([
      { pubkey: null, is_whitelisted: false, code: 'too_long' },
      { pubkey: 'a'.repeat(5000), is_whitelisted: false, code: 'bad_length' },
    ])
  })

  it('answers 10,000 keys', async () => {
    const { app } = await makeServer([key.hex])
    const pubkeys = Array.from({ length: 10_000 }, (_, index) =>
      index === 7 ? key.npub : other.npub,
    )
    const { results } = (await ask(app, pubkeys)).json<Answer>()
    expect(results).toHaveLength(10_000)
    expect(results.findIndex((result) => result.is_whitelisted)).toBe(7)
  })

  it('refuses 10,001 keys', async () => {
    const { app } = await makeServer([key.hex])
    const response = await ask(app, Array(10_001).fill(key.hex))
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      statusCode: 400,
      code: 'too_many_pubkeys',
      error: 'Bad Request',
      message: '"pubkeys" has more than 10000 entries: ask in several requests',
    })
  })

  it('reads a body of 2 MiB, and none that is larger', async () => {
    const { app } = await makeServer([key.hex])
    const start = `{"pubkeys": ["${key.hex}"], "x": "`
    const bodyOf = (size: number) => `${start}${'x'.repeat(size - start.length - 2)}"}`
    expect((await post(app, bodyOf(2 * 1024 * 1024))).statusCode).toBe(200)
    const response = await post(app, bodyOf(2 * 1024 * 1024 + 1))
    expect(response.statusCode).toBe(413)
    expect(response.json()).toMatchObject({ code: 'payload_too_large' })
  })

  it.each([
    ['no JSON', '{"pubkeys": [hunter2]}', 'the body is not valid JSON'],
    ['empty', '', 'the body is not valid JSON'],
    ['cut', '{"pubkeys": ["hunter2"', 'the body is not valid JSON'],
    ['null', 'null', 'the body must be {"pubkeys": ["npub1…", …]}'],
    ['an array', '["hunter2"]', 'the body must be {"pubkeys": ["npub1…", …]}'],
    ['a text', '"hunter2"', 'the body must be {"pubkeys": ["npub1…", …]}'],
    ['without keys', '{"hunter2": []}', 'the body must be {"pubkeys": ["npub1…", …]}'],
    ['with one key', '{"pubkeys": "hunter2"}', 'the body must be {"pubkeys": ["npub1…", …]}'],
    ['with null', '{"pubkeys": null}', 'the body must be {"pubkeys": ["npub1…", …]}'],
    [
      'with an object',
      '{"pubkeys": {"length": 1, "0": "hunter2"}}',
      'the body must be {"pubkeys": ["npub1…", …]}',
    ],
    [
      'with keys in __proto__',
      '{"__proto__": {"pubkeys": ["hunter2"]}}',
      'the body must be {"pubkeys": ["npub1…", …]}',
    ],
  ])('answers 400 to a body that is %s and does not repeat it', async (_, payload, message) => {
    const { app } = await makeServer([key.hex])
    const response = await post(app, payload)
    expect(response.statusCode).toBe(400)
    expect(response.json()).toEqual({
      statusCode: 400,
      code: 'invalid_body',
      error: 'Bad Request',
      message,
    })
  })

  it('ignores other fields of the body', async () => {
    const { app } = await makeServer([key.hex])
    const response = await post(app, JSON.stringify({ host: 'a', pubkeys: [key.hex], x: null }))
    expect(response.json()).toEqual({ results: [{ pubkey: key.hex, is_whitelisted: true }] })
  })

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/json;charset="utf-8"',
  ])('reads a body that is announced as %s', async (type) => {
    const { app } = await makeServer([key.hex])
    const response = await post(app, `{"pubkeys": ["${key.hex}"]}`, { 'content-type': type })
    expect(response.statusCode).toBe(200)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/nostr+json', 'json'])(
    'answers 415 to a body that is announced as %s',
    async (type) => {
      const { app } = await makeServer([key.hex])
      const response = await post(app, `{"pubkeys": ["${key.hex}"]}`, { 'content-type': type })
      expect(response.statusCode).toBe(415)
      expect(response.json()).toMatchObject({ code: 'unsupported_media_type' })
    },
  )

  it('answers 400 where there is no body', async () => {
    const { app } = await makeServer([key.hex])
    const response = await app.inject({ method: 'POST', url: '/api/whitelist' })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 'invalid_body' })
  })

  it('asks one list for all keys, the one that is served now', async () => {
    const { app, state } = await makeServer([])
    state.allowlist = parseAllowlist(listOf([key.npub]))
    expect((await ask(app, [key.hex])).json<Answer>().results[0]?.is_whitelisted).toBe(true)
  })

  it('answers each entry as the single question does', async () => {
    const { app } = await makeServer([key.npub, 'x'])
    const anyEntry = fc.oneof(
      fc.constantFrom(key.hex, key.npub, key.nprofile, other.npub, 'x', 'X'),
      fc.string({ unit: 'grapheme', minLength: 1 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry), async (pubkeys) => {
        const { results } = (await ask(app, pubkeys)).json<Answer>()
        const single = await Promise.all(
          pubkeys.map(async (pubkey) => {
            const url = `/api/whitelist?pubkey=${encodeURIComponent(pubkey)}`
            return (await app.inject(url)).json<object>()
          }),
        )
        expect(results.map(({ pubkey, is_whitelisted }) => ({ is_whitelisted, pubkey }))).toEqual(
          single,
        )
      }),
      { numRuns: 50 },
    )
  })

  it('answers any JSON with results or a 400', async () => {
    const { app } = await makeServer([key.npub])
    const anyBody = fc.oneof(
      fc.jsonValue(),
      fc.record({ pubkeys: fc.jsonValue() }),
      fc.record({ pubkeys: fc.array(fc.jsonValue()) }),
    )
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        const response = await post(app, JSON.stringify(body))
        const entries = (body as { pubkeys?: unknown } | null)?.pubkeys
        if (!Array.isArray(entries)) expect(response.statusCode).toBe(400)
        else expect(response.json<Answer>().results).toHaveLength(entries.length)
      }),
    )
  })

  it('answers any bytes with results or a 400', async () => {
    const { app } = await makeServer([key.npub])
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        const response = await app.inject({
          method: 'POST',
          url: '/api/whitelist',
          headers: JSON_TYPE,
          payload: Buffer.from(bytes),
        })
        expect(response.statusCode).toBe(400)
      }),
    )
  })

  it('answers a body that is nested absurdly deep', async () => {
    const { app } = await makeServer([key.npub])
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    const response = await post(app, `{"pubkeys": [${deep}, "${key.hex}"]}`)
    expect(response.json<Answer>().results.map((result) => result.is_whitelisted)).toEqual([
      false,
      true,
    ])
  })
})

interface Answer {
  results: { pubkey: string | null; is_whitelisted: boolean; code?: string }[]
}
