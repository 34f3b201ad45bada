import { HttpError, sendAtOnce, type ReadyAnswer } from '@dstack-node/service-kit'
import { HEADERS_READABLE, READABLE_BY_ANYONE } from '@dstack-node/service-kit/cors'
import { refusal, type ApiOperation } from '@dstack-node/service-kit/openapi'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { ListEdition } from '../list/list-edition.js'
import { LIST_FORMATS, type ListFormat } from '../list/list-format.js'

/** Below this size compression saves nothing worth the work. */
const GZIP_BYTES = 1024

const querySchema = z.object({ format: z.enum(LIST_FORMATS).default('file') })
const listSchema = z.object({ pubkeys: z.array(z.string()) })

/** What the description of the API says about it. */
export const listOperation: ApiOperation = {
  method: 'get',
  path: '/api/list',
  summary: 'All keys that are allowed, in one of four forms; text is one hex key a line',
  query: querySchema,
  answers: {
    200: { description: 'the list', schema: listSchema, type: 'text/plain' },
    304: { description: 'what If-None-Match names is still the list' },
    400: refusal('an unknown format'),
    500: refusal('the list could not be written; ask again'),
  },
}

/** `GET /api/list`: the whole list, made once for each change of it. */
export function registerListRoute(app: FastifyInstance, current: () => ListEdition): void {
  app.get('/api/list', async (request, reply) => {
    const format = parseFormat(request.query)
    const edition = current()
    const unchanged = answerUnchanged(request.headers['if-none-match'], edition, format)
    if (unchanged) {
      sendAtOnce(reply, unchanged)
      return reply
    }
    const gzip = acceptsGzip(request) && edition.size >= GZIP_BYTES
    const body = await edition.body(format, gzip)
    const headers = [
      ...headersOf(edition, edition.etag(format, gzip)),
      'content-type',
      format === 'text' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      ...(gzip ? ['content-encoding', 'gzip'] : []),
    ]
    sendAtOnce(reply, { status: 200, headers, body })
    return reply
  })
}

/**
 * The answer to a reader whose If-None-Match names the list as it is (RFC 9110, weak comparison);
 * undefined where the list has to be sent. If-Modified-Since is not looked at: it counts in seconds, and a
 * list can change twice in one.
 */
export function answerUnchanged(
  ifNoneMatch: string | undefined,
  edition: ListEdition,
  format: ListFormat,
): ReadyAnswer | undefined {
  if (ifNoneMatch === undefined) return undefined
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\/(?=")/, ''))
  const own = [edition.etag(format, false), edition.etag(format, true)]
  const known = tags.includes('*') ? own[0] : own.find((tag) => tags.includes(tag))
  return known === undefined ? undefined : { status: 304, headers: headersOf(edition, known) }
}

function parseFormat(query: unknown): ListFormat {
  const result = querySchema.safeParse(query)
  if (result.success) return result.data.format
  throw new HttpError(400, 'invalid_format', `format must be one of ${LIST_FORMATS.join(', ')}`)
}

function headersOf({ lastModified }: ListEdition, etag: string): string[] {
  // no-cache: it may be kept, but not used without asking whether it still holds.
  const caching = ['cache-control', 'no-cache', 'vary', 'Accept-Encoding']
  const open = [...READABLE_BY_ANYONE, ...HEADERS_READABLE]
  return [...open, ...caching, 'etag', etag, 'last-modified', lastModified]
}

function acceptsGzip(request: FastifyRequest): boolean {
  const header = request.headers['accept-encoding']
  if (typeof header !== 'string') return false
  return header
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .some((coding) => /^gzip(?:\s*;(?!\s*q=0(?:\.0*)?$)|$)/.test(coding))
}
