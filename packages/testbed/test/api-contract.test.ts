import { gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { checkAnswers, createApiContract, type Exchange } from '../src/test-tools/api-contract.js'

const JSON_TYPE = 'application/json'
const thing = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: { name: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
}
const error = {
  type: 'object',
  required: ['statusCode', 'message'],
  properties: { statusCode: { type: 'integer' }, message: { type: 'string' } },
}
const answers = {
  200: {
    content: { [JSON_TYPE]: { schema: thing }, 'text/plain': { schema: { type: 'string' } } },
  },
  304: {},
  400: { content: { [JSON_TYPE]: { schema: error } } },
}
const contract = createApiContract(
  {
    paths: {
      '/things': { get: { responses: answers } },
      '/things/{name}': { get: { responses: answers } },
      '/things/new': { post: { responses: answers } },
      '/any/{path}': { get: { responses: answers } },
    },
  },
  { anyMethod: ['/any/{path}'] },
)

/** Why an answer is refused; undefined for a good one. */
function verdictOn(exchange: Partial<Exchange> & { json?: unknown }): string | undefined {
  const { json = { name: 'a' }, ...given } = exchange
  try {
    contract({
      method: 'GET',
      url: '/things',
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: Buffer.from(JSON.stringify(json)),
      ...given,
    })
  } catch (failure) {
    return ((failure as Error).cause as Error).message
  }
  return undefined
}

const NOTHING = Buffer.alloc(0)
const refused = (statusCode: number) => ({ statusCode, code: 'no', error: 'No', message: 'no' })

describe('a contract', () => {
  it.each([
    ['what is described', {}],
    ['a query', { url: '/things?a=b' }],
    ['a parameter in the path', { url: '/things/a%2Fb' }],
    ['a path that also a parameter could stand for', { method: 'POST', url: '/things/new' }],
    ['another media type', { headers: { 'content-type': 'text/plain' }, body: Buffer.from('x') }],
    ['a format that is kept', { json: { name: 'a', at: '2026-12-01T00:00:00Z' } }],
    ['no body where none is described', { status: 304, headers: {}, body: NOTHING }],
    ['HEAD without a body', { method: 'HEAD', body: NOTHING }],
    ['an error with its status', { status: 400, json: { statusCode: 400, message: 'no' } }],
    ['a preflight', { method: 'OPTIONS', status: 204, headers: {}, body: NOTHING }],
    ['404 at an unknown address', { url: '/x', status: 404, json: refused(404) }],
    ['405 for an unknown method', { method: 'PUT', status: 405, json: refused(405) }],
    ['any method, where that is so', { method: 'BREW', url: '/any/a' }],
    ['any path below, where that is so', { url: '/any/a/b/c' }],
    [
      'a packed body',
      {
        headers: { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' },
        body: gzipSync('{"name":"a"}'),
      },
    ],
  ])('accepts %s', (_, exchange) => {
    expect(verdictOn(exchange)).toBeUndefined()
  })

  it.each([
    ['a status', { status: 201 }, 'the status is not described'],
    ['404 where something is described', { status: 404 }, 'the status is not described'],
    ['an address', { url: '/x' }, 'nothing is described there'],
    ['a path that goes on', { url: '/things/a/b' }, 'nothing is described there'],
    ['a method', { method: 'POST' }, 'nothing is described there'],
    ['a media type', { headers: { 'content-type': 'text/html' } }, 'the media type text/html'],
    ['no media type', { headers: {} }, 'the media type undefined is not described'],
    ['a body', { status: 304 }, 'there is a body, but none is described'],
    ['a body for HEAD', { method: 'HEAD' }, 'there is a body, but none is described'],
  ])('refuses %s that is not described', (_, exchange, reason) => {
    expect(verdictOn(exchange)).toContain(reason)
  })

  it.each([
    ['a field is missing', { json: {} }, "must have required property 'name'"],
    ['there is one too many', { json: { name: 'a', x: 1 } }, 'must NOT have additional properties'],
    ['one is of another type', { json: { name: 1 } }, 'data/name must be string'],
    ['a format is not kept', { json: { name: 'a', at: 'today' } }, 'must match format "date-time"'],
    ['it is no JSON', { body: Buffer.from('{') }, 'JSON'],
    [
      'an error tells another status',
      { status: 400, json: { statusCode: 404, message: 'no' } },
      'statusCode is another status',
    ],
    ['an error is of another shape', { url: '/x', status: 404 }, 'statusCode'],
  ])('refuses a body where %s', (_, exchange, reason) => {
    expect(verdictOn(exchange)).toContain(reason)
  })

  it('says which answer it is about', () => {
    const exchange: Exchange = { method: 'GET', url: '/x', status: 200, headers: {}, body: NOTHING }
    expect(() => {
      contract(exchange)
    }).toThrow('GET /x answered 200 against its description')
  })
})

describe('checkAnswers', () => {
  it('lets a good answer through and throws at another', async () => {
    const app = Fastify()
    onTestFinished(() => app.close())
    app.get('/things', async () => ({ name: 'a' }))
    app.get('/things/:name', async () => ({ fame: 'a' }))
    checkAnswers(app, contract)
    expect((await app.inject('/things')).json()).toEqual({ name: 'a' })
    await expect(app.inject({ url: '/things/a?b=c' })).rejects.toThrow(
      'GET /things/a?b=c answered 200 against its description',
    )
  })
})
