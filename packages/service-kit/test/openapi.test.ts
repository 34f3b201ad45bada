import { describe, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { buildHttpServer } from '../src/http-server.js'
import { describeApi, refusal, registerOpenApiRoute, type ApiOperation } from '../src/openapi.js'
import { recordLog } from './_log.js'

const INFO = { title: 'test', version: '1.2.3', description: 'a test' }

function describeOne(more: Partial<ApiOperation>): unknown {
  const operation: ApiOperation = {
    method: 'get',
    path: '/things/{name}',
    summary: 'a thing',
    answers: {},
    ...more,
  }
  const { paths } = describeApi(INFO, [operation]) as {
    paths: Record<string, Record<string, unknown>>
  }
  return paths[operation.path]?.[operation.method]
}

describe('describeApi', () => {
  it('says what it describes', () => {
    expect(describeApi(INFO, [])).toEqual({ openapi: '3.1.0', info: INFO, paths: {} })
  })

  it('has several methods of one path', () => {
    const operation = { path: '/', summary: 's', answers: {} }
    const { paths } = describeApi(INFO, [
      { ...operation, method: 'get' },
      { ...operation, method: 'post' },
    ]) as { paths: Record<string, object> }
    expect(Object.keys(paths['/'] ?? {})).toEqual(['get', 'post'])
  })

  it('describes the parameters with the schemas that read them', () => {
    const described = describeOne({
      pathParameters: z.object({ name: z.string().max(5) }),
      query: z.object({ size: z.int().optional(), form: z.enum(['a', 'b']).default('a') }),
    })
    expect(described).toMatchObject({
      summary: 'a thing',
      parameters: [
        { name: 'name', in: 'path', required: true, schema: { type: 'string', maxLength: 5 } },
        { name: 'size', in: 'query', required: false, schema: { type: 'integer' } },
        { name: 'form', in: 'query', required: false, schema: { enum: ['a', 'b'], default: 'a' } },
      ],
    })
  })

  it('describes the body as it is sent', () => {
    const schema = z.object({ at: z.iso.datetime().transform(Date.parse) })
    expect(describeOne({ body: { type: 'application/x', schema } })).toMatchObject({
      requestBody: {
        required: true,
        content: { 'application/x': { schema: { properties: { at: { format: 'date-time' } } } } },
      },
    })
  })

  it('describes answers in JSON, in plain text, in either, and without a body', () => {
    const schema = z.object({ fine: z.boolean() })
    const json = { schema: { type: 'object', required: ['fine'] } }
    const text = { schema: { type: 'string' } }
    const described = describeOne({
      answers: {
        200: { description: 'json', schema },
        201: { description: 'text', type: 'text/plain' },
        202: { description: 'either', schema, type: 'text/plain' },
        304: { description: 'none' },
      },
    })
    expect(described).toMatchObject({
      responses: {
        200: { description: 'json', content: { 'application/json': json } },
        201: { description: 'text', content: { 'text/plain': text } },
        202: { content: { 'application/json': json, 'text/plain': text } },
        304: { description: 'none' },
      },
    })
    expect(described).not.toHaveProperty(['responses', '304', 'content'])
  })

  it('allows no field that is not described', () => {
    const described = describeOne({ answers: { 400: refusal('no') } })
    const path = ['responses', '400', 'content', 'application/json', 'schema']
    expect(described).toHaveProperty(path, {
      type: 'object',
      additionalProperties: false,
      required: ['statusCode', 'code', 'error', 'message'],
      properties: expect.objectContaining({
        code: expect.objectContaining({ pattern: '^[a-z0-9_]+$' }) as unknown,
      }) as unknown,
    })
  })
})

describe('GET /openapi.json', () => {
  it('makes the description when it is first asked for, once', async () => {
    const app = buildHttpServer((await recordLog()).log)
    onTestFinished(() => app.close())
    let made = 0
    registerOpenApiRoute(app, () => {
      made += 1
      return describeApi(INFO, [])
    })
    await app.ready()
    expect(made).toBe(0)
    expect((await app.inject('/openapi.json')).json()).toMatchObject({ info: INFO })
    await app.inject('/openapi.json')
    expect(made).toBe(1)
  })
})
