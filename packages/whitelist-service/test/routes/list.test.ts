import { gunzipSync } from 'node:zlib'
import { closeHttpServer, listen } from '@dstack-node/service-kit'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { formatList, LIST_FORMATS } from '../../src/list/list-format.js'
import { listOf } from '../_bytes.js'
import { makeServer, type TestServer } from '../_server.js'

const keys = [makeKey(), makeKey(), makeKey()].toSorted((a, b) => (a.hex < b.hex ? -1 : 1))
const [key, other, third] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]]
/** More than the kilobyte below which nothing is packed. */
const MANY = Array.from({ length: 40 }, () => makeKey().npub)
const BOTH = ['gzip', 'identity'] as const

async function get({ app }: TestServer, url: string, headers: Record<string, string> = {}) {
  return app.inject({ url, headers })
}

function getPacked(server: TestServer, encoding: string | undefined, url = '/api/list') {
  return get(server, url, encoding === undefined ? {} : { 'accept-encoding': encoding })
}

describe('GET /api/list?format=', () => {
  const entries = [third.npub, key.hex.toUpperCase(), other.nprofile, key.npub, 'Friend']

  it.each([
    ['', JSON.stringify({ pubkeys: entries })],
    ['?format=file', JSON.stringify({ pubkeys: entries })],
    ['?format=hex', JSON.stringify({ pubkeys: keys.map(({ hex }) => hex) })],
    ['?format=npub', JSON.stringify({ pubkeys: keys.map(({ npub }) => npub) })],
    ['?format=text', keys.map(({ hex }) => `${hex}\n`).join('')],
  ])('%s answers the list in that form', async (query, body) => {
    const response = await get(await makeServer(entries), `/api/list${query}`)
    expect(response.statusCode).toBe(200)
    expect(response.body).toBe(body)
    expect(response.headers).toMatchObject({
      'content-type': query.endsWith('text')
        ? 'text/plain; charset=utf-8'
        : 'application/json; charset=utf-8',
      'cache-control': 'no-cache',
      'access-control-allow-origin': '*',
      vary: 'Accept-Encoding',
      'content-length': String(Buffer.byteLength(body)),
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
    })
  })

  it.each(['?format=', '?format=xml', '?format=HEX', '?format=hex&format=hex'])(
    '%s is answered 400',
    async (query) => {
      const response = await get(await makeServer(entries), `/api/list${query}`)
      expect(response.statusCode).toBe(400)
      expect(response.json()).toEqual({
        statusCode: 400,
        code: 'invalid_format',
        error: 'Bad Request',
        message: 'format must be one of file, hex, npub, text',
      })
    },
  )

  it.each(['nip86_allowed', 'nip86_banned'])('%s, which is for admins, is 400', async (format) => {
    const server = await makeServer(entries, { banned: { [key.hex]: { reason: 'spam' } } })
    expect((await get(server, `/api/list?format=${format}`)).statusCode).toBe(400)
  })

  it.each(LIST_FORMATS)('%s has neither a banned key nor one that has expired', async (format) => {
    const server = await makeServer(entries, {
      meta: { [other.hex]: { expires_at: 1_800_000_000 } },
      banned: { [third.hex]: {} },
    })
    const url = `/api/list?format=${format}`
    const shown = async () => {
      const { body } = await get(server, url)
      const spellings = (one: (typeof keys)[0]) => [one.hex, one.npub, one.nprofile]
      return keys.map((one) => spellings(one).some((spelling) => body.includes(spelling)))
    }
    server.time.now = 1_799_999_999
    expect(await shown()).toEqual([true, true, false])
    server.time.now = 1_800_000_000
    expect(await shown()).toEqual([true, false, false])
  })
})

describe('the tag of /api/list', () => {
  it.each(LIST_FORMATS)('is strong, and the same until the list changes, as %s', async (format) => {
    const server = await makeServer([key.npub])
    const url = `/api/list?format=${format}`
    const first = (await get(server, url)).headers.etag
    expect(first).toMatch(/^"[^"]+"$/)
    expect((await get(server, url)).headers.etag).toBe(first)
    server.state.allowlist = parseAllowlist(listOf([key.npub, other.npub]))
    server.state.hash = 'another'
    expect((await get(server, url)).headers.etag).not.toBe(first)
  })

  it('is another one for each form, packed or not, and after an expiry', async () => {
    const meta = { [key.hex]: { expires_at: 1_800_000_000 } }
    const server = await makeServer([...MANY, key.npub], { meta })
    const tags = new Set<unknown>()
    for (const now of [1_799_999_999, 1_800_000_000]) {
      server.time.now = now
      for (const format of LIST_FORMATS) {
        for (const encoding of BOTH) {
          tags.add((await getPacked(server, encoding, `/api/list?format=${format}`)).headers.etag)
        }
      }
    }
    expect(tags.size).toBe(2 * LIST_FORMATS.length * BOTH.length)
  })

  it('is the same on two nodes', async () => {
    const nodes = [await makeServer([key.npub]), await makeServer([key.npub])]
    const tags = await Promise.all(
      nodes.map(async (node) => (await get(node, '/api/list')).headers.etag),
    )
    expect(tags[0]).toBe(tags[1])
  })
})

describe('If-None-Match', () => {
  async function statusFor(header: (tag: string) => string, url = '/api/list'): Promise<number> {
    const server = await makeServer(MANY)
    const tag = String((await get(server, url)).headers.etag)
    return (await get(server, url, { 'if-none-match': header(tag) })).statusCode
  }

  it.each([
    ['the tag', (tag: string) => tag],
    ['the tag as a weak one', (tag: string) => `W/${tag}`],
    ['the tag in a list', (tag: string) => `"a", W/"b" ,${tag},"c"`],
    ['the tag and a star', (tag: string) => `*, ${tag}`],
    ['a star', () => '*'],
    ['white space around the tag', (tag: string) => `  ${tag}\t`],
  ])('is answered 304 for %s', async (_, header) => {
    for (const format of LIST_FORMATS) {
      expect(await statusFor(header, `/api/list?format=${format}`)).toBe(304)
    }
  })

  it.each([
    ['another tag', () => '"a"'],
    ['the tag without quotes', (tag: string) => tag.replaceAll('"', '')],
    ['the start of the tag', (tag: string) => `${tag.slice(0, 9)}"`],
    ['the tag in another case', (tag: string) => tag.toUpperCase()],
    ['the tag of another form', (tag: string) => tag.replace('file', 'hex')],
    ['nothing', () => ''],
    ['commas', () => ',,,'],
  ])('is answered 200 for %s', async (_, header) => {
    expect(await statusFor(header)).toBe(200)
  })

  it('is answered 304 for the tags of both encodings, whichever is asked for', async () => {
    const server = await makeServer(MANY)
    for (const had of BOTH) {
      const { etag } = (await getPacked(server, had)).headers
      for (const wanted of BOTH) {
        const headers = { 'accept-encoding': wanted, 'if-none-match': String(etag) }
        const response = await get(server, '/api/list', headers)
        expect([response.statusCode, response.headers.etag]).toEqual([304, etag])
      }
    }
  })

  it('is answered with what a cache needs, and no body', async () => {
    const server = await makeServer(MANY)
    const { headers } = await get(server, '/api/list')
    const response = await get(server, '/api/list', { 'if-none-match': String(headers.etag) })
    expect(response.body).toBe('')
    expect(response.headers).toMatchObject({
      etag: headers.etag,
      'last-modified': headers['last-modified'],
      'cache-control': 'no-cache',
      vary: 'Accept-Encoding',
      'access-control-allow-origin': '*',
    })
    expect(response.headers).not.toHaveProperty('content-type')
    expect(response.headers).not.toHaveProperty('content-encoding')
  })

  it('is answered 304 to HEAD too', async () => {
    const server = await makeServer(MANY)
    const headers = { 'if-none-match': String((await get(server, '/api/list')).headers.etag) }
    const response = await server.app.inject({ method: 'HEAD', url: '/api/list', headers })
    expect([response.statusCode, response.body]).toEqual([304, ''])
  })

  it('is answered 200 when the list has changed since, or a key has expired', async () => {
    const meta = { [key.hex]: { expires_at: 1_800_000_000 } }
    const server = await makeServer([key.npub], { meta })
    const headers = { 'if-none-match': String((await get(server, '/api/list')).headers.etag) }
    server.time.now = 1_799_999_999
    expect((await get(server, '/api/list', headers)).statusCode).toBe(304)
    server.time.now = 1_800_000_000
    const expired = await get(server, '/api/list', headers)
    expect([expired.statusCode, expired.body]).toEqual([200, '{"pubkeys":[]}'])
  })

  it('stands alone: If-Modified-Since is not looked at', async () => {
    const server = await makeServer(MANY)
    const headers = { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' }
    expect((await get(server, '/api/list', headers)).statusCode).toBe(200)
  })

  it('may be anything', async () => {
    const server = await makeServer(MANY)
    const anyHeader = fc.string({ unit: fc.constantFrom('"', ',', ' ', '*', 'W/', 'a', '\\', ';') })
    await fc.assert(
      fc.asyncProperty(anyHeader, async (header) => {
        const response = await get(server, '/api/list', { 'if-none-match': header })
        const hasStar = header.split(',').some((tag) => tag.trim() === '*')
        expect(response.statusCode).toBe(hasStar ? 304 : 200)
      }),
    )
  })
})

describe('a packed /api/list', () => {
  it.each([
    'gzip',
    'GZIP',
    'gzip, deflate, br',
    'br, gzip',
    'deflate,gzip;q=0.5',
    'gzip;q=1.0',
    'gzip ; q=0.001',
    'identity;q=0.1, gzip',
  ])('is sent to whoever accepts %s', async (encoding) => {
    const server = await makeServer(MANY)
    const plain = await getPacked(server, undefined)
    const response = await getPacked(server, encoding)
    expect(response.headers['content-encoding']).toBe('gzip')
    expect(response.headers['content-length']).toBe(String(response.rawPayload.length))
    expect(gunzipSync(response.rawPayload).toString()).toBe(plain.body)
    expect(response.rawPayload.length).toBeLessThan(plain.rawPayload.length)
    expect(response.headers).toMatchObject({
      vary: 'Accept-Encoding',
      'content-type': 'application/json; charset=utf-8',
    })
  })

  it.each([
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip; q=0.000',
    'GZIP;Q=0',
    'gzipped',
    'x-gzip2',
    'deflate;q=1, gzip;q=0',
  ])('is not sent to whoever accepts %s', async (encoding) => {
    const response = await getPacked(await makeServer(MANY), encoding)
    expect(response.headers).not.toHaveProperty('content-encoding')
    expect(response.json()).toEqual({ pubkeys: MANY })
    expect(response.headers['vary']).toBe('Accept-Encoding')
  })

  it('is not made of a list below a kilobyte', async () => {
    const response = await getPacked(await makeServer(MANY.slice(0, 15)), 'gzip')
    expect(response.headers).not.toHaveProperty('content-encoding')
    expect(response.headers['vary']).toBe('Accept-Encoding')
  })

  it.each(LIST_FORMATS)('is the same list as %s', async (format) => {
    const server = await makeServer(MANY)
    const url = `/api/list?format=${format}`
    const plain = await getPacked(server, undefined, url)
    const packed = await getPacked(server, 'gzip', url)
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
  })
})

describe('HEAD /api/list', () => {
  it.each(BOTH)('answers like GET, without the body, accepting %s', async (encoding) => {
    const { app } = await makeServer(MANY)
    for (const format of LIST_FORMATS) {
      const request = {
        url: `/api/list?format=${format}`,
        headers: { 'accept-encoding': encoding },
      }
      const wanted = await app.inject(request)
      const head = await app.inject({ ...request, method: 'HEAD' })
      expect([head.statusCode, head.body]).toEqual([200, ''])
      expect({ ...head.headers, date: '' }).toEqual({ ...wanted.headers, date: '' })
    }
  })
})

describe('the work behind /api/list', () => {
  it('is done once for each form, however many ask at once', async () => {
    const server = await makeServer(MANY)
    const urls = LIST_FORMATS.map((format) => `/api/list?format=${format}`)
    const requests = Array.from({ length: 20 }, () =>
      urls.flatMap((url) => BOTH.map((encoding) => getPacked(server, encoding, url))),
    )
    const responses = await Promise.all(requests.flat())
    expect(responses.every(({ statusCode }) => statusCode === 200)).toBe(true)
    expect(server.formatted()).toBe(LIST_FORMATS.length * BOTH.length)
  })

  it('is not done to say that nothing has changed', async () => {
    const server = await makeServer(MANY)
    const { etag } = (await get(server, '/api/list')).headers
    const before = server.formatted()
    const headers = { 'if-none-match': String(etag), 'accept-encoding': 'gzip' }
    expect((await get(server, '/api/list', headers)).statusCode).toBe(304)
    expect(server.formatted()).toBe(before)
  })

  it('is done again when the list changes and when a key expires', async () => {
    const meta = { [key.hex]: { expires_at: 1_800_000_000 } }
    const server = await makeServer([key.npub], { meta })
    server.time.now = 1_799_999_999
    for (let count = 0; count < 3; count += 1) await get(server, '/api/list')
    expect(server.formatted()).toBe(1)
    server.time.now = 1_800_000_000
    for (let count = 0; count < 3; count += 1) await get(server, '/api/list')
    expect(server.formatted()).toBe(2)
    server.state.allowlist = parseAllowlist(listOf([]))
    for (let count = 0; count < 3; count += 1) await get(server, '/api/list')
    expect(server.formatted()).toBe(3)
  })

  it('is done again for the next one where it failed', async () => {
    let broken = true
    const server = await makeServer(MANY, {
      format: async (...order) => {
        if (broken) throw new Error('no memory: hunter2')
        return formatList(...order)
      },
    })
    const failed = await get(server, '/api/list')
    expect(failed.statusCode).toBe(500)
    expect(failed.body).not.toContain('hunter2')
    broken = false
    expect((await get(server, '/api/list')).json()).toEqual({ pubkeys: MANY })
  })
})

describe('a large /api/list', () => {
  it('arrives whole over a connection, packed and plain', async () => {
    const pubkeys = Array.from({ length: 20_000 }, (_, index) =>
      index.toString(16).padStart(64, '0'),
    )
    const { app } = await makeServer(pubkeys)
    const url = await listen(app, { host: '127.0.0.1', port: 0 })
    onTestFinished(() => closeHttpServer(app))
    for (const encoding of BOTH) {
      const response = await fetch(`${url}/api/list`, { headers: { 'accept-encoding': encoding } })
      expect(response.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null)
      expect(await response.json()).toEqual({ pubkeys })
    }
  })
})
