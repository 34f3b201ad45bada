import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { HttpError } from '../src/http-error.js'
import { buildHttpServer, closeHttpServer, listen } from '../src/http-server.js'
import { StartError } from '../src/start-error.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { recordLog, type RecordedLog } from './_log.js'
import { exchangeRaw, openRaw, readAnswer } from '@dstack-node/testbed/test-tools/raw-http'

const INSIDE = 'the database password is hunter2'
const ANY_PORT = { host: '127.0.0.1', port: 0 }

interface TestServer extends RecordedLog {
  app: FastifyInstance
  /** The route /slow: when a request is there, and what lets it answer. */
  slow: { arrived: Promise<unknown>; release: () => void }
}

/** A server with a route for each way to answer. */
async function makeServer(level?: 'info' | 'silent'): Promise<TestServer> {
  const recorded = await recordLog(level)
  const app = buildHttpServer(recorded.log)
  app.get('/fine', async () => ({ fine: true }))
  app.get('/refused', async () => {
    throw new HttpError(403, 'not_today', 'come back tomorrow')
  })
  app.get('/broken', async () => {
    throw new Error(INSIDE)
  })
  app.get('/broken-on-purpose', async () => {
    throw new HttpError(503, 'no_gpu', 'there is no GPU')
  })
  app.get('/thrown-text', async () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a careless library does
    throw INSIDE
  })
  app.post('/body', async () => ({}))
  const slow = addSlowRoute(app)
  onTestFinished(() => app.close())
  return { app, slow, ...recorded }
}

function addSlowRoute(app: FastifyInstance): TestServer['slow'] {
  const events = new EventEmitter()
  app.get('/slow', async () => {
    const released = once(events, 'released')
    events.emit('arrived')
    await released
    return { slow: true }
  })
  return { arrived: once(events, 'arrived'), release: () => void events.emit('released') }
}

async function startServer(): Promise<TestServer & { url: string }> {
  const server = await makeServer()
  return { ...server, url: await listen(server.app, ANY_PORT) }
}

describe('an error of the HTTP server', () => {
  it('is JSON with statusCode, code, error and message', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/refused')
    expect(response.statusCode).toBe(403)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.json()).toEqual({
      statusCode: 403,
      code: 'not_today',
      error: 'Forbidden',
      message: 'come back tomorrow',
    })
  })

  it('is 404 for an unknown address', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/nothing/here')
    expect(response.statusCode).toBe(404)
    expect(response.json()).toEqual({
      statusCode: 404,
      code: 'not_found',
      error: 'Not Found',
      message: 'there is nothing at this address; GET / lists what there is',
    })
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'is 405 for %s where only GET works, and says what works',
    async (method) => {
      const { app } = await makeServer()
      const response = await app.inject({ method, url: '/fine?x=1' })
      expect(response.statusCode).toBe(405)
      expect(response.headers['allow']).toBe('GET, HEAD')
      expect(response.json()).toEqual({
        statusCode: 405,
        code: 'method_not_allowed',
        error: 'Method Not Allowed',
        message: 'this address answers GET and HEAD only',
      })
    },
  )

  it('is 404 for a POST to an unknown address', async () => {
    const { app } = await makeServer()
    expect((await app.inject({ method: 'POST', url: '/nothing' })).statusCode).toBe(404)
  })

  it.each(['/%zz', '/fine/%', '/%ff', '/%c0%ae'])(
    'is JSON for the malformed address %s and does not repeat it',
    async (url) => {
      const { app } = await makeServer()
      const response = await app.inject(url)
      expect([400, 404]).toContain(response.statusCode)
      expect(response.json()).toMatchObject({ statusCode: response.statusCode })
      expect(response.body).not.toContain('%')
      expect(response.headers['access-control-allow-origin']).toBe('*')
    },
  )

  it('is 400 for an address that is no valid URL encoding', async () => {
    const { app } = await makeServer()
    expect((await app.inject('/%zz')).json()).toEqual({
      statusCode: 400,
      code: 'bad_request',
      error: 'Bad Request',
      message: 'Bad Request',
    })
  })

  it('is 413 for a body above 64 KiB', async () => {
    const { app } = await makeServer()
    const post = (size: number) =>
      app.inject({
        method: 'POST',
        url: '/body',
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify('x'.repeat(size - 2)),
      })
    expect((await post(64 * 1024)).statusCode).toBe(200)
    const response = await post(64 * 1024 + 1)
    expect(response.statusCode).toBe(413)
    expect(response.json()).toMatchObject({ code: 'payload_too_large' })
  })

  it.each(['{"token": hunter2}', 'hunter2', '', '{', '\ufeff{}'])(
    'is 400 for the body %j, which is no JSON, and does not repeat it',
    async (payload) => {
      const { app } = await makeServer()
      const headers = { 'content-type': 'application/json' }
      const response = await app.inject({ method: 'POST', url: '/body', headers, payload })
      expect(response.statusCode).toBe(400)
      expect(response.json()).toEqual({
        statusCode: 400,
        code: 'invalid_body',
        error: 'Bad Request',
        message: 'the body is not valid JSON',
      })
    },
  )

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'hunter2'])(
    'is 415 for a body of the type %s',
    async (type) => {
      const { app } = await makeServer()
      const headers = { 'content-type': type }
      const response = await app.inject({ method: 'POST', url: '/body', headers, payload: '{}' })
      expect(response.statusCode).toBe(415)
      expect(response.json()).toMatchObject({ code: 'unsupported_media_type' })
      expect(response.body).not.toContain('hunter2')
    },
  )

  it.each(['/broken', '/thrown-text'])(
    'is 500 for %s and hides the inside, which the log has',
    async (url) => {
      const { app, text } = await makeServer()
      const response = await app.inject(url)
      expect(response.statusCode).toBe(500)
      expect(response.json()).toEqual({
        statusCode: 500,
        code: 'internal_server_error',
        error: 'Internal Server Error',
        message: 'something went wrong inside; see the log',
      })
      expect(text()).toContain(INSIDE)
    },
  )

  it('keeps the words of a 5xx that is meant for the client', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/broken-on-purpose')
    expect(response.json()).toEqual({
      statusCode: 503,
      code: 'no_gpu',
      error: 'Service Unavailable',
      message: 'there is no GPU',
    })
  })
})

describe('CORS', () => {
  it.each(['/fine', '/nothing', '/refused', '/broken', '/%zz'])(
    'lets anyone read %s',
    async (url) => {
      const { app } = await makeServer()
      const response = await app.inject({ url, headers: { origin: 'https://app.example' } })
      expect(response.headers['access-control-allow-origin']).toBe('*')
    },
  )

  it('lets anyone read without an origin too', async () => {
    const { app } = await makeServer()
    expect((await app.inject('/fine')).headers['access-control-allow-origin']).toBe('*')
  })

  it('answers a preflight', async () => {
    const { app } = await makeServer()
    const response = await app.inject({
      method: 'OPTIONS',
      url: '/fine',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    })
    expect(response.statusCode).toBe(204)
    expect(response.body).toBe('')
    expect(response.headers['access-control-allow-origin']).toBe('*')
    expect(response.headers['access-control-allow-methods']).toBe('GET, HEAD')
    expect(response.headers['access-control-allow-headers']).toBe(
      'Authorization, Content-Type, If-Modified-Since, If-None-Match',
    )
  })

  it.each(['/fine', '/refused', '/nothing'])('lets anyone read the headers of %s', async (url) => {
    const { app } = await makeServer()
    const response = await app.inject({ url, headers: { origin: 'https://app.example' } })
    expect(response.headers['access-control-expose-headers']).toBe('*')
  })

  it('answers an OPTIONS that is no preflight', async () => {
    const { app } = await makeServer()
    expect((await app.inject({ method: 'OPTIONS', url: '/fine' })).statusCode).toBe(204)
  })

  it('never lets credentials through', async () => {
    const { app } = await makeServer()
    const response = await app.inject({ url: '/fine', headers: { origin: 'https://app.example' } })
    expect(response.headers).not.toHaveProperty('access-control-allow-credentials')
  })
})

describe('GET /livez', () => {
  it('answers 200 whatever else is going on', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/livez')
    expect([response.statusCode, response.body]).toEqual([200, '{"status":"ok"}'])
  })
})

describe('HEAD', () => {
  it('answers like GET, without the body', async () => {
    const { app } = await makeServer()
    const get = await app.inject('/fine')
    const head = await app.inject({ method: 'HEAD', url: '/fine' })
    expect(head.statusCode).toBe(200)
    expect(head.body).toBe('')
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
  })

  it('answers 404 for an unknown address', async () => {
    const { app } = await makeServer()
    expect((await app.inject({ method: 'HEAD', url: '/nothing' })).statusCode).toBe(404)
  })
})

describe('what is not HTTP as it should be', () => {
  const BAD_REQUEST = {
    statusCode: 400,
    code: 'bad_request',
    error: 'Bad Request',
    message: 'Bad Request',
  }

  it.each([
    ['noise', 'hunter2 hunter2 hunter2\r\n\r\n'],
    ['a method that does not exist', 'BREW /fine?token=hunter2 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a header without a colon', 'GET /fine HTTP/1.1\r\nHost: a\r\nhunter2\r\n\r\n'],
    ['two lengths of one body', requestHead('POST', 'Content-Length: 1\r\nContent-Length: 2\r\n')],
    [
      'a length and chunks',
      requestHead('POST', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'),
    ],
    ['the start of a TLS connection', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hunter2'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('answers 400 to %s, without repeating it', async (_, bytes) => {
    const { url, text } = await startServer()
    const answer = await exchangeRaw(url, bytes)
    const { status, headers, body } = readAnswer(answer)
    expect(status).toBe(400)
    expect(body).toEqual(BAD_REQUEST)
    expect(headers).toContain('content-type: application/json; charset=utf-8')
    expect(headers).toContain('access-control-allow-origin: *')
    expect(headers).toContain('connection: close')
    expect(answer + text()).not.toContain('hunter2')
  })

  it.each([
    ['an expectation that it does not know', 'GET /fine HTTP/1.1\r\nExpect: cake\r\n\r\n', 417],
    ['CONNECT', 'CONNECT example.org:443 HTTP/1.1\r\n\r\n', 405],
  ])('refuses %s with JSON', async (_reason, request, status) => {
    const { url } = await startServer()
    const answer = readAnswer(await exchangeRaw(url, request))
    expect(answer).toMatchObject({ status, body: { statusCode: status } })
  })

  it('answers 431 to a head above 16 KiB', async () => {
    const { url } = await startServer()
    const answer = await exchangeRaw(url, requestHead('GET', `X-Big: ${'x'.repeat(17_000)}\r\n`))
    expect(readAnswer(answer)).toMatchObject({
      status: 431,
      body: { statusCode: 431, code: 'request_header_fields_too_large' },
    })
  })

  it('answers 431 to an address above 16 KiB', async () => {
    const { url } = await startServer()
    const answer = await exchangeRaw(url, `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(readAnswer(answer).status).toBe(431)
  })

  it('has ten seconds to become a request', async () => {
    const { app } = await makeServer()
    expect([app.server.headersTimeout, app.server.requestTimeout]).toEqual([10_000, 10_000])
  })

  it('answers 408 to a head that does not end', async () => {
    const { url, app } = await startServer()
    app.server.headersTimeout = 1
    const answer = await exchangeRaw(url, 'GET /fine HTTP/1.1\r\nHost: a\r\n')
    expect(readAnswer(answer)).toMatchObject({
      status: 408,
      body: { statusCode: 408, code: 'request_timeout' },
    })
  })

  it('answers 408 to a body that does not end', async () => {
    const { url, app } = await startServer()
    app.server.headersTimeout = 1
    app.server.requestTimeout = 1
    const headers = 'Content-Type: application/json\r\nContent-Length: 2\r\n'
    const answer = await exchangeRaw(url, requestHead('POST', headers, '/body'))
    expect(readAnswer(answer).status).toBe(408)
  })

  it('answers a request without a Host like any other', async () => {
    const { url } = await startServer()
    const answer = await exchangeRaw(url, 'GET /fine HTTP/1.1\r\nConnection: close\r\n\r\n')
    expect(readAnswer(answer)).toMatchObject({ status: 200, body: { fine: true } })
  })

  it('answers HTTP/1.0', async () => {
    const { url } = await startServer()
    const answer = await exchangeRaw(url, 'GET /fine HTTP/1.0\r\n\r\n')
    expect(readAnswer(answer)).toMatchObject({ status: 200, body: { fine: true } })
  })

  it('outlives a connection that is reset in the middle of a request', async () => {
    const { url, app } = await startServer()
    const { socket, closed } = await openRaw(url)
    socket.write('GET /fi')
    socket.resetAndDestroy()
    await closed
    expect((await app.inject('/fine')).statusCode).toBe(200)
    expect((await fetch(`${url}/fine`)).status).toBe(200)
  })

  function requestHead(method: string, headers: string, path = '/fine'): string {
    return `${method} ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`
  }
})

describe('the log of the HTTP server', () => {
  const { nsec } = makeKey()
  const URLS = ['/fine', '/nothing', '/refused', '/broken', '/%zz', '/fine/'].flatMap((path) => [
    `${path}?token=hunter2`,
    `${path}?pubkey=${nsec}`,
  ])

  it('never has what a query holds, at any level', async () => {
    const { app, text } = await makeServer()
    for (const url of URLS) {
      await app.inject(url)
      await app.inject({ method: 'POST', url, headers: { authorization: 'Bearer hunter2' } })
    }
    // The one line that may quote the secret's name is ours: the error that /broken throws.
    const written = text().replaceAll(INSIDE, '')
    expect(written).toContain('answered')
    expect(written).not.toContain('hunter2')
    expect(written).not.toContain(nsec.slice(0, 12))
  })

  it('tells at debug how each request was answered, by the name of its route', async () => {
    const { app, lines } = await makeServer()
    await app.inject('/fine?token=hunter2')
    await app.inject('/nothing/hunter2')
    const answered = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(answered).toMatchObject([
      { level: 'debug', msg: 'answered', method: 'GET', route: '/fine', statusCode: 200 },
      { level: 'debug', msg: 'answered', method: 'GET', route: 'unknown', statusCode: 404 },
    ])
  })

  it('says nothing of ordinary requests at info', async () => {
    const { app, lines } = await makeServer('info')
    for (const url of ['/fine', '/nothing', '/refused', '/%zz']) await app.inject(url)
    expect(lines).toEqual([])
  })

  it('says nothing at all at silent', async () => {
    const { app, lines } = await makeServer('silent')
    for (const url of URLS) await app.inject(url)
    expect(lines).toEqual([])
  })
})

describe('listen', () => {
  async function occupy(): Promise<{ server: Server; port: number }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return { server, port: (server.address() as { port: number }).port }
  }

  it('tells the URL with the port that the system chose, and logs nothing itself', async () => {
    const { app, lines } = await makeServer('info')
    const url = await listen(app, ANY_PORT)
    expect(lines).toEqual([])
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    expect(await (await fetch(`${url}/fine`)).json()).toEqual({ fine: true })
  })

  it('says in one line that the port is in use', async () => {
    const { port } = await occupy()
    const { app } = await makeServer()
    await expect(listen(app, { host: '127.0.0.1', port })).rejects.toThrow(
      new StartError(
        `127.0.0.1:${port} is already in use: stop the program that listens there, or set another LISTEN_ADDR`,
      ),
    )
  })

  it('says in one line that the address is not one of this machine', async () => {
    const { app } = await makeServer()
    // 192.0.2.0/24 is for documentation: no machine has it.
    await expect(listen(app, { host: '192.0.2.1', port: 0 })).rejects.toThrow(
      new StartError(
        "can't listen on 192.0.2.1:0 (EADDRNOTAVAIL): set LISTEN_ADDR to an address of this machine",
      ),
    )
  })

  it('says in one line that the name is not known', async () => {
    const { app } = await makeServer()
    await expect(listen(app, { host: 'name.invalid', port: 0 })).rejects.toThrow(
      /^can't listen on name\.invalid:0 \(E[A-Z_]+\): set LISTEN_ADDR to an address of this machine$/,
    )
  })
})

describe('closeHttpServer', () => {
  it('ends idle connections and refuses new ones', async () => {
    const { app, url } = await startServer()
    const { socket, received, closed } = await openRaw(url)
    socket.write('GET /fine HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => {
      expect(received()).toContain('{"fine":true}')
    })
    await closeHttpServer(app)
    await closed
    await expect(fetch(`${url}/fine`)).rejects.toThrow('fetch failed')
  })

  it('lets a request that is under way finish, then ends its connection', async () => {
    const { app, url, slow } = await startServer()
    const { socket, closed } = await openRaw(url)
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await slow.arrived
    // The grace time never ends: what closes the connection is the end of its request.
    stopTimeouts()
    const closing = closeHttpServer(app)
    await untilPortIsClosed(app)
    slow.release()
    expect(readAnswer(await closed)).toMatchObject({ status: 200, body: { slow: true } })
    await closing
  })

  it('answers a request whose head was half sent', async () => {
    const { app, url } = await startServer()
    const { socket, closed } = await openRaw(url)
    socket.write('GET /fine HTTP/1.1\r\nHo')
    // The server has read the half when it has answered what came after it.
    await fetch(`${url}/fine`)
    const closing = closeHttpServer(app)
    await untilPortIsClosed(app)
    socket.write('st: a\r\n\r\n')
    expect(readAnswer(await closed)).toMatchObject({ status: 200, body: { fine: true } })
    await closing
  })

  it('cuts off what has not finished within the grace time', async () => {
    const { app, url, slow } = await startServer()
    const { socket, closed } = await openRaw(url)
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await slow.arrived
    stopTimeouts()
    const closing = closeHttpServer(app)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await closed).toBe('')
    await closing
  })

  function untilPortIsClosed(app: FastifyInstance): Promise<void> {
    return vi.waitFor(() => {
      expect(app.server.listening).toBe(false)
    })
  }

  function stopTimeouts(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
  }
})
