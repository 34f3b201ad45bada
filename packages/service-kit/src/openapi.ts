import * as z from 'zod'

export { registerOpenApiRoute } from './openapi-route.js'

/** The body of every error. */
export const errorSchema = z.object({
  statusCode: z.int(),
  code: z
    .string()
    .regex(/^[a-z0-9_]+$/)
    .describe('stable; what a program should look at'),
  error: z.string(),
  message: z.string().describe('for people'),
})

/** One answer of an operation. With neither a schema nor a type it has no body. */
export interface ApiAnswer {
  description: string
  /** Of a body in JSON. */
  schema?: z.ZodType
  /** The media type of a body in plain text, which it has then, or may have. */
  type?: string
}

/** One route, described with the schemas that it reads requests with. */
export interface ApiOperation {
  method: 'get' | 'post'
  path: string
  summary: string
  /** The parameters of the query, one for each field. */
  query?: z.ZodObject
  /** The parameters in the path, one for each field. */
  pathParameters?: z.ZodObject
  body?: { type: string; schema: z.ZodType }
  answers: Record<number, ApiAnswer>
}

/** An error answer. */
export function refusal(description: string): ApiAnswer {
  return { description, schema: errorSchema }
}

/** What every service answers to machines. */
export const COMMON_OPERATIONS: readonly ApiOperation[] = [
  {
    method: 'get',
    path: '/livez',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'it does', schema: z.object({ status: z.literal('ok') }) } },
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'the text format', type: 'text/plain' } },
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description (OpenAPI 3.1)',
    answers: {
      200: { description: 'the document', schema: z.looseObject({ openapi: z.string() }) },
    },
  },
]

/** The OpenAPI 3.1 document of a service, as plain data. */
export function describeApi(
  info: { title: string; version: string; description: string },
  operations: readonly ApiOperation[],
): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describeOperation(operation),
    }
  }
  return { openapi: '3.1.0', info, paths }
}

function describeOperation({ summary, query, pathParameters, body, answers }: ApiOperation) {
  const parameters = [...parametersOf('path', pathParameters), ...parametersOf('query', query)]
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: { [body.type]: { schema: toJsonSchema(body.schema, 'input') } },
      },
    }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]),
    ),
  }
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject | undefined) {
  if (!schema) return []
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input')
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }))
}

function describeAnswer({ description, schema, type }: ApiAnswer) {
  if (!schema && type === undefined) return { description }
  const content = {
    ...(schema && { 'application/json': { schema: toJsonSchema(schema, 'output') } }),
    ...(type !== undefined && { [type]: { schema: { type: 'string' } } }),
  }
  return { description, content }
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const json = z.toJSONSchema(schema, { io })
  // The dialect is that of OpenAPI 3.1 anyway.
  delete json.$schema
  return json
}
