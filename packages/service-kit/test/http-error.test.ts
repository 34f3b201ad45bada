import { describe, expect, it, onTestFinished } from 'vitest'
import { HttpError } from '../src/http-error.js'
import { buildHttpServer } from '../src/http-server.js'
import { recordLog } from './_log.js'

const INSIDE = 'the database password is hunter2'

/** What comes of a handler that throws this. */
async function answerTo(thrown: unknown) {
  const { log, lines } = await recordLog('info')
  const app = buildHttpServer(log)
  onTestFinished(() => app.close())
  app.get('/', async () => {
    throw thrown
  })
  const response = await app.inject('/')
  return { status: response.statusCode, body: response.json<object>(), text: response.body, lines }
}

describe('an HttpError', () => {
  it('is the answer, and nothing for the log', async () => {
    const { status, body, lines } = await answerTo(new HttpError(403, 'not_today', 'come back'))
    expect(status).toBe(403)
    expect(body).toEqual({
      statusCode: 403,
      code: 'not_today',
      error: 'Forbidden',
      message: 'come back',
    })
    expect(lines).toEqual([])
  })

  it('has its cause in the log, never in the answer', async () => {
    const error = new HttpError(503, 'not_now', 'later', new Error(INSIDE))
    const { status, text, lines } = await answerTo(error)
    expect(status).toBe(503)
    expect(text).not.toContain('hunter2')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', err: { message: INSIDE } })
  })
})

describe('anything else that is thrown', () => {
  it.each([
    ['an Error', new Error(INSIDE)],
    ['a text', INSIDE],
    ['a number', 7],
    ['null', null],
    ['undefined', undefined],
    ['an object', { message: INSIDE }],
    ['a status below 400', Object.assign(new Error(INSIDE), { statusCode: 200 })],
    ['a status that is none', Object.assign(new Error(INSIDE), { statusCode: 'hunter2' })],
    ['a status that does not exist', Object.assign(new Error(INSIDE), { statusCode: 9999 })],
    ['a status of 5xx', Object.assign(new Error(INSIDE), { statusCode: 500, code: 'hunter2' })],
  ])('is 500 and tells nothing: %s', async (_, thrown) => {
    const { status, body } = await answerTo(thrown)
    expect(status).toBe(500)
    expect(body).toEqual({
      statusCode: 500,
      code: 'internal_server_error',
      error: 'Internal Server Error',
      message: 'something went wrong inside; see the log',
    })
  })

  it('keeps a status of 4xx, without its words', async () => {
    const { status, body, lines } = await answerTo(
      Object.assign(new Error(INSIDE), { statusCode: 415, code: 'hunter2' }),
    )
    expect(status).toBe(415)
    expect(body).toEqual({
      statusCode: 415,
      code: 'unsupported_media_type',
      error: 'Unsupported Media Type',
      message: 'Unsupported Media Type',
    })
    expect(lines).toEqual([])
  })
})
