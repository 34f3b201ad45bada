import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { describeBackendApi } from '../src/api-description.js'
import { WARNING_CODES } from '../src/status/node-facts.js'
import { makeServer } from './_server.js'

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

const api = describeBackendApi('1.2.3') as {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
}

describe('GET /openapi.json', () => {
  it('answers the description, the same each time', async () => {
    const { app } = await makeServer()
    const first = await app.inject('/openapi.json')
    expect(first.statusCode).toBe(200)
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(first.json()).toEqual(JSON.parse(JSON.stringify(api)))
    expect(api).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } })
    expect((await app.inject('/openapi.json')).body).toBe(first.body)
  })
})

describe('the description of the API', () => {
  it('is OpenAPI 3.1', async () => {
    const document = JSON.parse(JSON.stringify(api)) as Record<string, unknown>
    const validator = new Validator()
    const result = await validator.validate(document)
    expect(result.valid, JSON.stringify(result.errors)).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  it('has every route that GET / names, and no other', async () => {
    const { app } = await makeServer()
    const { endpoints } = (await app.inject('/')).json<{ endpoints: Record<string, string> }>()
    const described = Object.entries(api.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.toSorted()).toEqual(Object.keys(endpoints).toSorted())
  })

  it('names the statuses of what is probed', () => {
    const statusesOf = (path: string) => Object.keys(api.paths[path]?.['get']?.responses ?? {})
    expect(statusesOf('/health')).toEqual(['200', '503'])
    expect(statusesOf('/readyz')).toEqual(['200', '503'])
    expect(statusesOf('/livez')).toEqual(['200'])
  })

  it('names every warning that there is', () => {
    const schema = api.paths['/']?.['get']?.responses['200']?.content?.['application/json']?.schema
    expect(JSON.stringify(schema)).toContain(JSON.stringify(WARNING_CODES))
  })
})
