import type { Dispatcher } from 'undici'
import { errorCode } from '@dstack-node/service-kit'

/** What to ask, and the bounds of it. */
export interface BoundedRequest {
  url: string
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  dispatcher: Dispatcher
  /** For everything together, from the name's look-up to the last byte of the answer. */
  timeoutMs: number
  /** Ends the request early. */
  signal?: AbortSignal
  /** The answer's body is cut off there. */
  maxBytes: number
}

/** An answer, whatever its status. */
export interface BoundedResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** Whether there was more than `maxBytes`. */
  truncated: boolean
}

/** A request that got no whole answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly kind: 'timeout' | 'connect'
  /** The system's or library's code, like `ECONNREFUSED`. */
  readonly code: string

  constructor(kind: 'timeout' | 'connect', code: string) {
    super(code)
    this.kind = kind
    this.code = code
  }
}

/**
 * Sends a request and reads the answer, within one deadline for all of it: undici's own timeouts start
 * anew with each byte. Redirects are not followed, so that nothing meant for one host reaches another.
 *
 * Throws a RequestError when there is no whole answer in time.
 */
export async function requestBounded(options: BoundedRequest): Promise<BoundedResponse> {
  const deadline = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any(options.signal ? [deadline, options.signal] : [deadline])
  try {
    const { method, headers, body = null, dispatcher } = options
    const { origin, pathname, search } = new URL(options.url)
    const path = pathname + search
    const response = await dispatcher.request({ origin, path, method, headers, body, signal })
    const { text, truncated } = await readBody(response.body, options.maxBytes)
    return { status: response.statusCode, headers: response.headers, text, truncated }
  } catch (error) {
    if (deadline.aborted) throw new RequestError('timeout', 'ETIMEDOUT')
    throw new RequestError('connect', errorCode(error))
  }
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number) {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (size > maxBytes) break
  }
  const text = Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
  return { text, truncated: size > maxBytes }
}
