import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** One request over node:http, on a connection of its own; `url` may be `unix:///path`. */
export function ask(url: string, path: string, options: RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const target: RequestOptions = url.startsWith('unix://')
      ? { socketPath: url.slice('unix://'.length) }
      : { host: '127.0.0.1', port: new URL(url).port }
    const request = httpRequest({ agent: false, path, ...target, ...options }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
    request.on('error', reject)
    request.end()
  })
}

/** Resolves with the code of the error the promise must reject with. */
export async function errorCode(promise: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
