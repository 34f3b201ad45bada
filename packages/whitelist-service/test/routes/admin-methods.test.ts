import { readFile, rm, writeFile } from 'node:fs/promises'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { formatTime } from '../../src/time-text.js'
import { NOW } from '../_nip98.js'
import {
  admin,
  bodyOf,
  call,
  check,
  makeAdminServer,
  METHODS,
  post,
  tokenFor,
  type AdminServer,
} from './_admin.js'

const key = makeKey()
const other = makeKey()
const TIME = formatTime(NOW)
const DONE = { result: true }

const listed = (server: AdminServer) => call(server, 'listallowedpubkeys')
const banned = (server: AdminServer) => call(server, 'listbannedpubkeys')
const fileOf = async (server: AdminServer) => JSON.parse(await server.text()) as unknown

describe('supportedmethods', () => {
  it('names every method that works, and no other', async () => {
    const server = await makeAdminServer()
    expect(await call(server, 'supportedmethods')).toEqual({ result: METHODS })
    for (const method of METHODS) {
      expect(await call(server, method, key.hex)).toHaveProperty('result')
    }
  })
})

describe('allowpubkey', () => {
  it('lets a key in, which the next check tells and the file holds', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [other.npub], note: 'kept' } })
    expect(await call(server, 'allowpubkey', key.hex, 'a friend')).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
    expect(await fileOf(server)).toEqual({
      pubkeys: [other.npub, key.hex],
      note: 'kept',
      meta: { [key.hex]: { reason: 'a friend', added_at: TIME, added_by: admin } },
    })
  })

  it('is a line of the audit log, in the name of the admin', async () => {
    const server = await makeAdminServer()
    await call(server, 'allowpubkey', key.hex, 'a friend')
    expect(await server.audit()).toMatchObject([
      { who: admin, action: 'allow', pubkey: key.hex, did: ['added'], why: 'a friend' },
    ])
  })

  it('lifts a ban too, since nak has no other way', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [], banned: { [key.hex]: {} } } })
    expect(await check(server, key.hex)).toBe('403 banned')
    expect(await call(server, 'allowpubkey', key.hex, '')).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
    expect(await banned(server)).toEqual({ result: [] })
  })

  it('lets an expired key in again', async () => {
    const meta = { [key.hex]: { expires_at: NOW - 5 } }
    const server = await makeAdminServer({ content: { pubkeys: [key.npub], meta } })
    expect(await check(server, key.hex)).toBe('403 expired')
    expect(await call(server, 'allowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
  })

  it('done twice is done once', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    const before = await server.text()
    expect(await call(server, 'allowpubkey', key.hex, '')).toEqual(DONE)
    expect(await server.text()).toBe(before)
    await expect(server.audit()).rejects.toThrow(/ENOENT/)
  })

  it('serves what was edited by hand a moment ago, even where it has nothing to do', async () => {
    const server = await makeAdminServer()
    await writeFile(server.path, JSON.stringify({ pubkeys: [key.npub] }))
    expect(await call(server, 'allowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
  })

  it('keeps what was added by hand a moment ago', async () => {
    const server = await makeAdminServer()
    await writeFile(server.path, JSON.stringify({ pubkeys: [other.npub] }))
    expect(await call(server, 'allowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, other.hex)).toBe('200 listed')
    expect(await check(server, key.hex)).toBe('200 listed')
  })
})

describe('unallowpubkey', () => {
  it('removes every spelling of a key, and what is said about it', async () => {
    const server = await makeAdminServer({
      content: { pubkeys: [key.npub, other.npub, key.hex], meta: { [key.hex]: { label: 'a' } } },
    })
    expect(await call(server, 'unallowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 not_listed')
    expect(await fileOf(server)).toEqual({ pubkeys: [other.npub], meta: {} })
  })

  it('only removes: a ban stays', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [], banned: { [key.hex]: {} } } })
    expect(await call(server, 'unallowpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 banned')
  })

  it('bans nobody', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    await call(server, 'unallowpubkey', key.hex)
    expect(await banned(server)).toEqual({ result: [] })
  })

  it('tells the audit log why, and writes nothing of that into the file', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    expect(await call(server, 'unallowpubkey', key.hex, 'sold')).toEqual(DONE)
    expect(await fileOf(server)).toEqual({ pubkeys: [] })
    expect(await server.audit()).toMatchObject([{ action: 'unallow', why: 'sold' }])
  })

  it('of a key that is not there is done', async () => {
    const server = await makeAdminServer()
    const before = await server.text()
    expect(await call(server, 'unallowpubkey', key.hex)).toEqual(DONE)
    expect(await server.text()).toBe(before)
  })
})

describe('banpubkey', () => {
  it('revokes too, since nak has no other way', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub, key.hex] } })
    expect(await call(server, 'banpubkey', key.hex, 'spam')).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 banned')
    expect(await listed(server)).toEqual({ result: [] })
    expect(await fileOf(server)).toEqual({
      pubkeys: [],
      banned: { [key.hex]: { reason: 'spam', banned_at: TIME, banned_by: admin } },
    })
  })

  it('done twice is done once, and the reason is the last that was given', async () => {
    const server = await makeAdminServer()
    await call(server, 'banpubkey', key.hex, 'spam')
    expect(await call(server, 'banpubkey', key.hex, '')).toEqual(DONE)
    expect(await banned(server)).toEqual({ result: [{ pubkey: key.hex, reason: 'spam' }] })
    await call(server, 'banpubkey', key.hex, 'more spam')
    expect(await banned(server)).toEqual({ result: [{ pubkey: key.hex, reason: 'more spam' }] })
  })
})

describe('unbanpubkey', () => {
  it('only lifts the ban: the key is not let in', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    await call(server, 'banpubkey', key.hex)
    expect(await call(server, 'unbanpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('403 not_listed')
  })

  it('tells the audit log why, and writes nothing of that into the file', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [], banned: { [key.hex]: {} } } })
    expect(await call(server, 'unbanpubkey', key.hex, 'a mistake')).toEqual(DONE)
    expect(await fileOf(server)).toEqual({ pubkeys: [], banned: {} })
    expect(await server.audit()).toMatchObject([{ action: 'unban', why: 'a mistake' }])
  })

  it('leaves a key that is listed as it is', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    const before = await server.text()
    expect(await call(server, 'unbanpubkey', key.hex)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
    expect(await server.text()).toBe(before)
  })
})

describe('listallowedpubkeys', () => {
  it('has every key once, in hex, with its reason', async () => {
    const server = await makeAdminServer({
      content: {
        pubkeys: [key.npub, key.hex, other.nprofile, 'no key'],
        meta: { [key.npub]: { reason: 'a "friend" é\n', label: 'not shown' } },
      },
    })
    const entries = [
      { pubkey: key.hex, reason: 'a "friend" é\n' },
      { pubkey: other.hex, reason: '' },
    ].sort((a, b) => (a.pubkey < b.pubkey ? -1 : 1))
    expect(await listed(server)).toEqual({ result: entries })
  })

  it('leaves out what is banned, and what has expired by now', async () => {
    const server = await makeAdminServer({
      content: {
        pubkeys: [key.npub, other.npub],
        meta: { [key.hex]: { expires_at: NOW + 10 } },
        banned: { [other.hex]: {} },
      },
    })
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: '' }] })
    server.clock.pass(10)
    const body = bodyOf('listallowedpubkeys')
    const authorization = tokenFor(body, { createdAt: NOW + 10 })
    expect((await post(server, body, { authorization })).json()).toEqual({ result: [] })
  })

  it('is an empty array where there is none', async () => {
    expect(await listed(await makeAdminServer())).toEqual({ result: [] })
  })

  it('tells a reason that was changed, though the same keys are listed', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: '' }] })
    await call(server, 'allowpubkey', key.hex, 'new')
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: 'new' }] })
  })
})

describe('listbannedpubkeys', () => {
  it('has every banned key, in hex, with its reason', async () => {
    const server = await makeAdminServer({
      content: { pubkeys: [], banned: { [key.npub]: { reason: 'spam' }, [other.hex]: {} } },
    })
    const entries = [
      { pubkey: key.hex, reason: 'spam' },
      { pubkey: other.hex, reason: '' },
    ].sort((a, b) => (a.pubkey < b.pubkey ? -1 : 1))
    expect(await banned(server)).toEqual({ result: entries })
  })
})

describe('a method that fails', () => {
  it('answers 200 and an error alone; one that succeeds a result alone', async () => {
    const server = await makeAdminServer()
    const failed = await post(server, bodyOf('allowpubkey', ['x']))
    expect(failed.statusCode).toBe(200)
    expect(failed.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(failed.body).toMatch(/^\{"error":"[^"]+"\}$/)
    expect((await post(server, bodyOf('allowpubkey', [key.hex]))).body).toBe('{"result":true}')
  })

  it.each(['disallowpubkey', 'deleteallowedpubkey', 'clearpubkey', 'changerelayname', '', 'x'])(
    'does so where there is no %j, and points to supportedmethods',
    async (method) => {
      const server = await makeAdminServer({ content: { pubkeys: [key.npub] } })
      const error = 'there is no such method here; supportedmethods lists them'
      expect(await call(server, method, key.hex)).toEqual({ error })
      expect(await check(server, key.hex)).toBe('200 listed')
    },
  )

  it.each([
    ['is no JSON', '{', 'the body is not valid JSON'],
    ['is empty', '', 'the body is not valid JSON'],
    ['is not UTF-8', Buffer.from('7b22ff223a317d', 'hex'), 'the body is not valid JSON'],
    ['is no object', '[]', /^the body must be /],
    ['is null', 'null', /^the body must be /],
    ['has no method', '{"params":[]}', /^the body must be /],
    ['has a method that is no text', '{"method":1,"params":[]}', /^the body must be /],
    ['has params that are no array', '{"method":"allowpubkey","params":{}}', /^the body must be /],
  ])('does so where the body %s', async (_, body, error) => {
    const response = await post(await makeAdminServer(), body)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual({ error: expect.stringMatching(error) as string })
  })

  it.each([
    ['is missing', [], /one string/],
    ['is null', [null], /one string/],
    ['is a number', [1], /one string/],
    ['is an array', [[key.hex]], /one string/],
    ['is empty', [''], /is empty/],
    ['is too short', [key.hex.slice(1)], /64 hex digits/],
    ['has a wrong checksum', [key.npub.slice(0, -1)], /checksum/],
    ['is a secret key', [key.nsec], /SECRET key.*leaked/],
    ['is no key', ['alice'], /not a Nostr public key/],
  ])('does so where the key %s', async (_, params, error) => {
    const server = await makeAdminServer()
    const before = await server.text()
    for (const method of ['allowpubkey', 'unallowpubkey', 'banpubkey', 'unbanpubkey']) {
      const answer = await call(server, method, ...params)
      expect(answer).toEqual({ error: expect.stringMatching(error) as string })
      expect(JSON.stringify(answer)).not.toContain('nsec1')
    }
    expect(await server.text()).toBe(before)
    expect(JSON.stringify(server.lines())).not.toContain('nsec1')
  })

  it.each([
    ['is a number', 1, /must be a text/],
    ['is an object', {}, /must be a text/],
    ['is false', false, /must be a text/],
    ['is too long', 'x'.repeat(501), /more than 500 characters/],
    ['holds a secret key', `see ${key.nsec}`, /SECRET key/],
  ])('does so where the reason %s', async (_, reason, error) => {
    const server = await makeAdminServer()
    for (const method of ['allowpubkey', 'unallowpubkey', 'banpubkey', 'unbanpubkey']) {
      expect(await call(server, method, key.hex, reason)).toEqual({
        error: expect.stringMatching(error) as string,
      })
    }
    expect(await check(server, key.hex)).toBe('403 not_listed')
    expect(JSON.stringify(server.lines())).not.toContain('nsec1')
  })

  it('does so where the list on disk is broken, which stays as it is and is not served', async () => {
    const server = await makeAdminServer({ content: { pubkeys: [other.npub] } })
    await writeFile(server.path, '{"pubkeys": [')
    expect(await call(server, 'allowpubkey', key.hex)).toEqual({
      error: expect.stringMatching(/has to be mended first.*nothing was changed$/) as string,
    })
    expect(await server.text()).toBe('{"pubkeys": [')
    expect(await check(server, other.hex)).toBe('200 listed')
    expect(server.lines()).toContainEqual(
      expect.objectContaining({ level: 'error', code: 'file_invalid' }),
    )
  })

  it('does so where the list is gone', async () => {
    const server = await makeAdminServer()
    await rm(server.path)
    expect(await call(server, 'allowpubkey', key.hex)).toEqual({
      error: expect.stringMatching(/nothing was changed$/) as string,
    })
    await expect(readFile(server.path)).rejects.toThrow(/ENOENT/)
  })
})

describe('the parameters', () => {
  it.each([
    ['upper-case hex', key.hex.toUpperCase()],
    ['an npub', key.npub],
    ['an nprofile', key.nprofile],
    ['a nostr: URI', `nostr:${key.npub}`],
    ['white space around it', ` ${key.hex}\n`],
  ])('may spell the key as %s', async (_, spelling) => {
    const server = await makeAdminServer()
    expect(await call(server, 'allowpubkey', spelling)).toEqual(DONE)
    expect(await check(server, key.hex)).toBe('200 listed')
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: '' }] })
  })

  it.each([
    ['empty, as nak sends it', [key.hex, '']],
    ['null', [key.hex, null]],
    ['left out', [key.hex]],
    ['only white space', [key.hex, ' \n']],
  ])('have no reason where it is %s', async (_, params) => {
    const server = await makeAdminServer()
    expect(await call(server, 'allowpubkey', ...params)).toEqual(DONE)
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: '' }] })
    expect(await call(server, 'banpubkey', ...params)).toEqual(DONE)
    expect(await banned(server)).toEqual({ result: [{ pubkey: key.hex, reason: '' }] })
  })

  it('may have a reason of 500 characters', async () => {
    const server = await makeAdminServer()
    const reason = 'x'.repeat(500)
    expect(await call(server, 'banpubkey', key.hex, reason)).toEqual(DONE)
    expect(await banned(server)).toEqual({ result: [{ pubkey: key.hex, reason }] })
  })

  it('have a reason without control characters', async () => {
    const server = await makeAdminServer()
    await call(server, 'banpubkey', key.hex, 'two\r\nlines\u0000 and \u001b[31mred\u202e')
    expect(await banned(server)).toEqual({
      result: [{ pubkey: key.hex, reason: 'two lines  and  [31mred' }],
    })
  })

  it('may have more after them, and the body more beside them', async () => {
    const server = await makeAdminServer()
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'allowpubkey',
      params: [key.hex, 'a', 'b', { c: 1 }],
    })
    expect((await post(server, body)).json()).toEqual(DONE)
    expect(await listed(server)).toEqual({ result: [{ pubkey: key.hex, reason: 'a' }] })
  })

  it.each(['{"method":"supportedmethods"}', '{"method":"supportedmethods","params":null}'])(
    'may be left out where there are none: %s',
    async (body) => {
      expect((await post(await makeAdminServer(), body)).json()).toEqual({ result: METHODS })
    },
  )
})

describe('many changes at once', () => {
  it('are all done and answered, in their order', async () => {
    const server = await makeAdminServer()
    const keys = Array.from({ length: 40 }, makeKey)
    const allowed = keys.map(({ hex }) => call(server, 'allowpubkey', hex))
    const revoked = keys.slice(0, 20).map(({ hex }) => call(server, 'banpubkey', hex))
    for (const answer of await Promise.all([...allowed, ...revoked])) expect(answer).toEqual(DONE)
    for (const [index, { hex }] of keys.entries()) {
      expect(await check(server, hex)).toBe(index < 20 ? '403 banned' : '200 listed')
    }
    expect(await server.audit()).toHaveLength(60)
  })

  it('are each served when they are answered', async () => {
    const server = await makeAdminServer()
    const keys = Array.from({ length: 20 }, makeKey)
    const checks = keys.map(async ({ hex }) => {
      await call(server, 'allowpubkey', hex)
      return check(server, hex)
    })
    expect(new Set(await Promise.all(checks))).toEqual(new Set(['200 listed']))
  })
})
