import { Ajv2020 as Ajv, type AnySchema } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { findOperation, type ApiDocument, type FindOptions } from './api-operation.js'
import { decodeBody } from './decode-body.js'

/** An answer, and what was asked. */
export interface Exchange {
  method: string
  /** Path and query. */
  url: string
  status: number
  headers: Record<string, unknown>
  body: Buffer
}

/** Throws an Error where an answer is not one of those that the description allows. */
export type ApiContract = (exchange: Exchange) => void

/** What any address may answer: that it is not there, not for this method, or no address at all. */
const ANYWHERE = new Set([400, 404, 405])

/** The contract that an OpenAPI 3.1 document makes of status, media type and JSON body. */
export function createApiContract(document: object, options: FindOptions = {}): ApiContract {
  const ajv = new Ajv({ strict: true, allErrors: true })
  formats.default(ajv)
  const assertFits = (schema: AnySchema, value: unknown) => {
    // Ajv compiles a schema object once.
    if (!ajv.validate(schema, value)) throw new Error(ajv.errorsText())
  }

  function check(exchange: Exchange): void {
    const { method, status } = exchange
    if (method === 'OPTIONS' && status === 204) {
      assertEmpty(exchange)
      return
    }
    const operation = findOperation(document as ApiDocument, exchange, options)
    const answer = operation?.responses[String(status)]
    if (answer) checkBody(exchange, answer.content)
    else if (!operation && ANYWHERE.has(status)) checkBody(exchange, ERROR_CONTENT)
    else throw new Error(operation ? 'the status is not described' : 'nothing is described there')
  }

  function checkBody(exchange: Exchange, content: MediaTypes | undefined): void {
    if (!content) {
      assertEmpty(exchange)
      return
    }
    const type = String(exchange.headers['content-type']).split(';', 1)[0] ?? ''
    const media = content[type]
    if (!media) throw new Error(`the media type ${type} is not described`)
    if (exchange.method === 'HEAD') assertEmpty(exchange)
    else if (type === 'application/json') {
      const value = JSON.parse(decodeBody(exchange)) as unknown
      assertFits(media.schema, value)
      assertSameStatus(value, exchange.status)
    }
  }

  return (exchange) => {
    try {
      check(exchange)
    } catch (error) {
      const { method, url, status } = exchange
      throw new Error(`${method} ${url} answered ${status} against its description`, {
        cause: error,
      })
    }
  }
}

/** Holds each answer of `app.inject` to the contract. */
export function checkAnswers(app: FastifyInstance, contract: ApiContract): void {
  const inject = app.inject.bind(app) as (options: InjectOptions | string) => Promise<Injected>
  app.inject = (async (options: InjectOptions | string) => {
    const answer = await inject(options)
    const { method = '', url = '' } = answer.raw.req
    const { statusCode: status, headers, rawPayload: body } = answer
    contract({ method, url, status, headers, body })
    return answer
  }) as FastifyInstance['inject']
}

type Injected = Awaited<ReturnType<FastifyInstance['inject']>>
type MediaTypes = Record<string, { schema: AnySchema }>

const ERROR_CONTENT: MediaTypes = {
  'application/json': {
    schema: {
      type: 'object',
      required: ['statusCode', 'code', 'error', 'message'],
      additionalProperties: false,
      properties: {
        statusCode: { type: 'integer' },
        code: { type: 'string', pattern: '^[a-z0-9_]+$' },
        error: { type: 'string' },
        message: { type: 'string' },
      },
    },
  },
}

function assertEmpty({ body }: Exchange): void {
  if (body.length > 0) throw new Error('there is a body, but none is described')
}

/** An error says in its body what the status line says. */
function assertSameStatus(value: unknown, status: number): void {
  const told = (value as { statusCode?: unknown } | null)?.statusCode
  if (told !== undefined && told !== status) throw new Error('statusCode is another status')
}
