import type { AnySchema } from 'ajv/dist/2020.js'

/** As much of an OpenAPI document as says what is answered. */
export interface ApiDocument {
  paths: Record<string, Record<string, ApiOperation>>
}

/** One method of one path. */
export interface ApiOperation {
  responses: Record<string, { content?: Record<string, { schema: AnySchema }> }>
}

/** How a description is read. */
export interface FindOptions {
  /** Templates whose GET stands for every method; what it answers below counts too. */
  anyMethod?: readonly string[]
}

/** The operation that describes a request; undefined where there is none. */
export function findOperation(
  { paths }: ApiDocument,
  request: { method: string; url: string },
  { anyMethod = [] }: FindOptions,
): ApiOperation | undefined {
  const path = request.url.split('?', 1)[0] ?? ''
  const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase()
  const template = Object.keys(paths)
    .toSorted(byParameters)
    .find((one) => patternOf(one, anyMethod.includes(one) ? '.+' : '[^/]+').test(path))
  if (template === undefined) return undefined
  return paths[template]?.[anyMethod.includes(template) ? 'get' : method]
}

/** A plain path is meant before one that a parameter could make of it. */
function byParameters(a: string, b: string): number {
  return a.split('{').length - b.split('{').length
}

function patternOf(template: string, parameter: string): RegExp {
  const pieces = template
    .split(/\{[^}]+\}/)
    .map((piece) => piece.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pieces.join(parameter)}$`, 's')
}
