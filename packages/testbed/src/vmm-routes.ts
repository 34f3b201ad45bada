import type { Answer } from './http-answers.js'
import type { SeenRequest } from './request-log.js'
import type { RpcMessage } from './vmm-messages.js'

/** A call of one RPC method, and in which encoding its answer goes out. */
export interface RpcCall {
  method: string
  asJson: boolean
  /** A failure before dispatch knows the query, but not the content type. */
  asJsonEarly: boolean
}

/** Reads `/prpc/<method>`; undefined for every path the VMM doesn't serve. */
export function parseRpcCall(request: SeenRequest): RpcCall | undefined {
  const isGet = request.method === 'GET' || request.method === 'HEAD'
  if (!isGet && request.method !== 'POST') return undefined
  const [path = '', query = ''] = request.path.split('?', 2)
  const segment = /^\/prpc\/([^/]+)$/.exec(path)?.[1]
  if (segment === undefined) return undefined
  const asJsonEarly = isGet || asksForJson(query)
  const asJson = asJsonEarly || isJson(request.headers['content-type'])
  return { method: segment.replace(/^(?:Teepod\.)+/, ''), asJson, asJsonEarly }
}

function asksForJson(query: string): boolean {
  return ['', '1', 'true'].includes(new URLSearchParams(query).get('json') ?? 'absent')
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '')
}

export function rpcAnswer(status: number, message: RpcMessage, asJson: boolean): Answer {
  if (asJson) {
    return { status, headers: { 'content-type': 'application/json' }, body: message.json }
  }
  return { status, headers: { 'content-type': 'application/octet-stream' }, body: message.protobuf }
}

/** The VMM's 401, which has no body, not even for JSON. */
export function unauthorisedAnswer(): Answer {
  return {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="dstack-vmm API"' },
    body: '',
  }
}

/** Rocket's default page for a path it doesn't know. */
export function notFoundAnswer(accept: string | undefined): Answer {
  const [reason, description] = ['Not Found', 'The requested resource could not be found.']
  if (/^application\/json\s*(?:[;,]|$)/i.test(accept ?? '')) {
    const body = JSON.stringify({ error: { code: 404, reason, description } }, null, 2)
    return { status: 404, headers: { 'content-type': 'application/json' }, body }
  }
  const body = NOT_FOUND_PAGE
  return { status: 404, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

const NOT_FOUND_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <title>404 Not Found</title>
</head>
<body align="center">
    <div role="main" align="center">
        <h1>404: Not Found</h1>
        <p>The requested resource could not be found.</p>
        <hr />
    </div>
    <div role="contentinfo" align="center">
        <small>Rocket</small>
    </div>
</body>
</html>`
