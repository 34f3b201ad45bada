import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { exchangeRaw, readAnswer } from '@dstack-node/testbed/test-tools/raw-http'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  answerFirst,
  count,
  JSON_HEADERS,
  sendAtOnce,
  type ReadyAnswer,
} from '../src/http-answer.js'
import { buildHttpServer, listen } from '../src/http-server.js'
import { recordLog } from './_log.js'

async function makeServer(): Promise<FastifyInstance> {
  const { log } = await recordLog()
  const app = buildHttpServer(log)
  onTestFinished(() => app.close())
  return app
}

/** A server whose one route sends this answer at once. */
async function serverWith(answer: ReadyAnswer): Promise<FastifyInstance> {
  const app = await makeServer()
  app.get('/', (_request, reply) => {
    sendAtOnce(reply, answer)
  })
  return app
}

const FINE: ReadyAnswer = { status: 200, headers: JSON_HEADERS, body: '{"fine":true}' }
const request = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n`

describe('sendAtOnce', () => {
  it('sends the answer as it is, and its length', async () => {
    const app = await serverWith({ ...FINE, status: 403 })
    const response = await app.inject('/')
    expect([response.statusCode, response.body]).toEqual([403, '{"fine":true}'])
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'access-control-allow-origin': '*',
      'content-length': '13',
    })
  })

  it('counts bytes, not characters', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (body) => {
        const response = await (await serverWith({ ...FINE, body })).inject('/')
        expect(response.body).toBe(body)
        expect(response.headers['content-length']).toBe(String(Buffer.byteLength(body)))
      }),
      { numRuns: 30 },
    )
  })

  it('sends bytes, also out of shared memory', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(65)
    for (const body of [Buffer.from('AAA'), shared]) {
      const app = await serverWith({ ...FINE, body })
      const url = await listen(app, { host: '127.0.0.1', port: 0 })
      expect(await (await fetch(url)).text()).toBe('AAA')
    }
  })

  it('sends no body where there is none', async () => {
    const app = await serverWith({ status: 304, headers: ['etag', '"a"'] })
    const response = await app.inject('/')
    expect([response.statusCode, response.body, response.headers['etag']]).toEqual([304, '', '"a"'])
    expect(response.headers).not.toHaveProperty('content-length')
  })

  it('sends HEAD the same head and no body', async () => {
    const app = await serverWith(FINE)
    const url = await listen(app, { host: '127.0.0.1', port: 0 })
    const answer = await exchangeRaw(url, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(answer.toLowerCase()).toContain('content-length: 13\r\n')
    expect(answer).toMatch(/\r\n\r\n$/)
  })

  it('is logged at debug like any other answer', async () => {
    const { log, lines } = await recordLog()
    const app = buildHttpServer(log)
    onTestFinished(() => app.close())
    app.get('/', (_request, reply) => {
      sendAtOnce(reply, FINE)
    })
    await app.inject('/')
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { msg: 'answered', route: '/', statusCode: 200 },
    ])
  })
})

describe('answerFirst', () => {
  async function start(
    answer: Parameters<typeof answerFirst>[1],
  ): Promise<{ app: FastifyInstance; url: string }> {
    const app = await makeServer()
    app.get('/other', async () => ({ other: true }))
    answerFirst(app, answer)
    return { app, url: await listen(app, { host: '127.0.0.1', port: 0 }) }
  }

  it('answers what it has an answer for, and Fastify the rest', async () => {
    const { url } = await start(({ url: path }) => (path === '/first' ? FINE : undefined))
    expect(readAnswer(await exchangeRaw(url, request('/first')))).toMatchObject({
      status: 200,
      body: { fine: true },
    })
    expect(await (await fetch(`${url}/other`)).json()).toEqual({ other: true })
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
  })

  it('leaves to Fastify what fails', async () => {
    const { url } = await start(() => {
      throw new Error(`hunter2 ${makeKey().nsec}`)
    })
    expect(await (await fetch(`${url}/other`)).json()).toEqual({ other: true })
  })

  it('keeps what the server does besides', async () => {
    const { url } = await start(() => FINE)
    const refused = await exchangeRaw(url, request('/first', 'Expect: cake\r\n'))
    expect(readAnswer(refused).status).toBe(417)
    const noise = readAnswer(await exchangeRaw(url, 'noise\r\n\r\n'))
    expect(noise).toMatchObject({ status: 400, body: { code: 'bad_request' } })
  })

  it('does nothing more than that: a server that is closed stays closed', async () => {
    const { app, url } = await start(() => FINE)
    await app.close()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect(app.server.listening).toBe(false)
  })

  it('outlives a client that goes before the answer', async () => {
    const { app, url } = await start(({ url: path }) => {
      if (path === '/gone') app.server.closeAllConnections()
      return FINE
    })
    await expect(fetch(`${url}/gone`)).rejects.toThrow('fetch failed')
    expect((await fetch(url)).status).toBe(200)
  })
})

describe('count', () => {
  it('adds one to the number of a status', () => {
    const tally = new Map<number, number>()
    for (const status of [200, 404, 200, 200]) count(tally, status)
    expect([...tally]).toEqual([
      [200, 3],
      [404, 1],
    ])
  })
})
