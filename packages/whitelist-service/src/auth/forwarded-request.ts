import type { AuthHost } from './auth-hosts.js'
import { rootUrlForms, type SignedRequest } from '../nip98.js'

/** A request to `/auth`, as it came. */
export interface ProxyRequest {
  method: string
  /** With the raw query. */
  url: string
  headers: HeaderLines
}

/** Header lines by their name in lower case: each as often as it came. */
export type HeaderLines = ReadonlyMap<string, readonly string[]>

/** Why it can't be told what the client wants. */
export type ForwardedRequestCode = 'request_unknown' | 'request_ambiguous' | 'host_unknown'

/** What the paths below the endpoint begin with. */
const PREFIX = '/auth'
const METHOD = /^[A-Z][A-Z-]*$/
/** Commas are part of a URI; a blank is not, so that two of them in one line are none. */
const URI = /^\/[\x21-\x7e]*$/

/** Takes Node's flat list of header names and values apart. */
export function headerLinesOf(rawHeaders: readonly string[]): HeaderLines {
  const lines = new Map<string, string[]>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const values = lines.get(name) ?? []
    values.push(rawHeaders[index + 1] ?? '')
    lines.set(name, values)
  }
  return lines
}

/**
 * What the client of a proxy asks for: told in `X-Forwarded-…` headers (nginx, Caddy, Traefik, APISIX), or
 * by the request to `/auth/…` itself, which is the client's own but for the prefix (Envoy). Never a mixture
 * of both: what a proxy leaves out, its client could add.
 */
export function readForwardedRequest(
  request: ProxyRequest,
  hosts: readonly AuthHost[],
): SignedRequest | ForwardedRequestCode {
  const told = readTold(request)
  if (typeof told === 'string') return told
  if (!METHOD.test(told.method) || !URI.test(told.uri)) return 'request_ambiguous'
  const origins = findOrigins(told.host.toLowerCase(), readProtocol(request.headers), hosts)
  if (origins.length === 0) return 'host_unknown'
  const urls = origins.flatMap((origin) => rootUrlForms(origin + told.uri))
  return { method: told.method, urls, body: 'unseen' }
}

interface Told {
  method: string
  host: string
  uri: string
}

function readTold({ method, url, headers }: ProxyRequest): Told | ForwardedRequestCode {
  const lines = ['method', 'host', 'uri'].map((name) => headers.get(`x-forwarded-${name}`) ?? [])
  if (lines.every((values) => values.length === 0)) {
    if (!url.startsWith(`${PREFIX}/`)) return 'request_unknown'
    const [host, ...more] = headers.get('host') ?? []
    if (host === undefined || more.length > 0) return 'request_ambiguous'
    return { method, host, uri: url.slice(PREFIX.length) }
  }
  if (lines.some((values) => values.length !== 1)) return 'request_ambiguous'
  const [forwardedMethod = '', host = '', uri = ''] = lines.flat()
  return { method: forwardedMethod, host, uri }
}

/** Only looked at where AUTH_HOSTS names none. */
function readProtocol(headers: HeaderLines): string | undefined {
  const [protocol = 'https', ...more] = headers.get('x-forwarded-proto') ?? []
  return more.length === 0 && /^https?$/.test(protocol) ? `${protocol}:` : undefined
}

/** The origins of AUTH_HOSTS that are meant, without a port that goes without saying, as clients do it. */
function findOrigins(
  host: string,
  forwarded: string | undefined,
  hosts: readonly AuthHost[],
): string[] {
  return hosts.flatMap((known) => {
    const protocol = known.protocol ?? forwarded
    if (protocol === undefined) return []
    const name = withoutDefaultPort(known.host, protocol)
    return withoutDefaultPort(host, protocol) === name ? [`${protocol}//${name}`] : []
  })
}

function withoutDefaultPort(host: string, protocol: string): string {
  const port = protocol === 'https:' ? ':443' : ':80'
  return host.endsWith(port) ? host.slice(0, -port.length) : host
}
