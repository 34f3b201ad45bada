import { Validator } from '@seriousme/openapi-schema-validator'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { describeWhitelistApi } from '../src/api-description.js'
import { makeServer } from './_server.js'

interface Operation {
  summary: string
  parameters?: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

const api = describeWhitelistApi('1.2.3') as {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
}

describe('GET /openapi.json', () => {
  it('answers the description', async () => {
    const { app } = await makeServer([])
    const response = await app.inject('/openapi.json')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(response.json()).toEqual(JSON.parse(JSON.stringify(api)))
  })

  it('is OpenAPI 3.1, as its own schema says', async () => {
    const { app } = await makeServer([])
    const document = (await app.inject('/openapi.json')).json<Record<string, unknown>>()
    const validator = new Validator()
    const { valid, errors } = await validator.validate(document)
    expect(errors ?? []).toEqual([])
    expect([valid, validator.version]).toEqual([true, '3.1'])
    expect(api).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } })
  })

  it('is the same each time', async () => {
    const { app } = await makeServer([])
    const bodies = await Promise.all(
      [1, 2].map(async () => (await app.inject('/openapi.json')).body),
    )
    expect(bodies[0]).toBe(bodies[1])
  })
})

describe('the description of the API', () => {
  it('has every route', () => {
    const described = Object.entries(api.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described).toEqual(
      expect.arrayContaining([
        'GET /',
        'GET /api/check',
        'GET /api/check/{pubkey}',
        'GET /api/list',
        'GET /api/whitelist',
        'GET /health',
        'GET /livez',
        'GET /metrics',
        'GET /openapi.json',
        'GET /ready',
        'POST /',
        'POST /api/whitelist',
      ]),
    )
  })

  it('has only routes that there are', async () => {
    const { app } = await makeServer([])
    for (const [path, operations] of Object.entries(api.paths)) {
      for (const method of Object.keys(operations)) {
        const url = path.replaceAll(/\{\w+\}/g, makeKey().hex)
        const answer = await app.inject({ method: method === 'post' ? 'POST' : 'GET', url })
        expect([path, answer.statusCode]).not.toEqual([path, 404])
      }
    }
  })

  it('names the parameters, and which of them must be there', () => {
    const parametersOf = (path: string) =>
      api.paths[path]?.['get']?.parameters?.map(({ name, in: place, required }) => [
        name,
        place,
        required,
      ])
    expect(parametersOf('/api/check')).toEqual([['pubkey', 'query', true]])
    expect(parametersOf('/api/check/{pubkey}')).toEqual([['pubkey', 'path', true]])
    expect(parametersOf('/api/whitelist')).toEqual([['pubkey', 'query', true]])
    expect(parametersOf('/api/list')).toEqual([['format', 'query', false]])
    expect(parametersOf('/health')).toBeUndefined()
  })

  it('names the limits that requests are held to', () => {
    const body = api.paths['/api/whitelist']?.['post']?.requestBody?.content['application/json']
    expect(body?.schema).toMatchObject({
      required: ['pubkeys'],
      properties: { pubkeys: { maxItems: 10_000 } },
    })
    const [pubkey] = api.paths['/api/check']?.['get']?.parameters ?? []
    expect(pubkey?.schema).toMatchObject({ minLength: 1, maxLength: 5000 })
    const [format] = api.paths['/api/list']?.['get']?.parameters ?? []
    expect(format?.schema).toMatchObject({ enum: ['file', 'hex', 'npub', 'text'] })
  })

  it('names the statuses of the gates', () => {
    const statusesOf = (path: string) => Object.keys(api.paths[path]?.['get']?.responses ?? {})
    expect(statusesOf('/api/check')).toEqual(['200', '400', '403', '503'])
    expect(statusesOf('/api/check/{pubkey}')).toEqual(['200', '400', '403', '503'])
    expect(statusesOf('/auth')).toEqual(['200', '401', '403', '503'])
  })
})
