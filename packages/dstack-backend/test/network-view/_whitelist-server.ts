import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface WhitelistServer {
  url: string
  /** What was asked, as `GET /path`. */
  requests: string[]
  /** The `authorization` of each request. */
  authorizations: (string | undefined)[]
  /** Resolves once that many requests have arrived in all. */
  received: (count: number) => Promise<void>
  close: () => Promise<void>
}

/** Answers a request by its path with the query; null for a path it does not know. */
export type Answer = { status: number; body?: string; headers?: Record<string, string> } | null

/** A server that answers as it is told, or leaves the response to `handle` where that is given. */
export async function startWhitelistServer(
  answer: (path: string) => Answer,
  handle?: (response: ServerResponse) => void,
): Promise<WhitelistServer> {
  const requests: string[] = []
  const authorizations: (string | undefined)[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    authorizations.push(request.headers.authorization)
    for (const { count, resolve } of waiting) if (requests.length >= count) resolve()
    response.on('error', () => undefined)
    if (handle) {
      handle(response)
      return
    }
    const { status, body, headers } = answer(request.url ?? '') ?? { status: 404 }
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    authorizations,
    received: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** As the service answers `/api/check`. */
export function checkAnswer(code: string): Answer {
  const body = JSON.stringify({ allowed: code === 'listed', code, version: '0' })
  return { status: code === 'listed' ? 200 : 403, body }
}

/** As its older versions answer `/api/whitelist`, which compare texts with this one. */
export function olderService(listed: string): (path: string) => Answer {
  return (path) => {
    const pubkey = new URLSearchParams(/^\/api\/whitelist\?(.*)$/.exec(path)?.[1]).get('pubkey')
    if (pubkey === null) return null
    return { status: 200, body: JSON.stringify({ is_whitelisted: pubkey === listed, pubkey }) }
  }
}
