import type { Dispatcher } from 'undici'
import { errorCode } from '@dstack-node/service-kit'

type RequestErrorKind = 'timeout' | 'connect' | 'invalid'

/** The codes for an answer that is not HTTP as it should be. */
const NOT_HTTP = /^(HPE_|UND_ERR_RES_CONTENT_LENGTH_MISMATCH$|UND_ERR_HEADERS_OVERFLOW$)/

/** The codes of the system's and the library's own limits, where they are quicker than the deadline. */
const TOO_LATE = /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/

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
  /** Why the body did not arrive whole; `text` is empty then. */
  bodyError?: RequestError
}

/** Why an answer, or its body, did not arrive. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly kind: RequestErrorKind
  /** The system's or library's code, like `ECONNREFUSED`. */
  readonly code: string

  constructor(kind: RequestErrorKind, code: string) {
    super(code)
    this.kind = kind
    this.code = code
  }
}

/**
 * Sends a request and reads the answer, within one deadline for all of it: undici's own timeouts start
 * anew with each byte. Redirects are not followed, so that nothing meant for one host reaches another.
 *
 * Throws a RequestError when there is not even a status in time.
 */
export async function requestBounded(options: BoundedRequest): Promise<BoundedResponse> {
  const deadline = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any(options.signal ? [deadline, options.signal] : [deadline])
  try {
    const { method, headers, body = null, dispatcher } = options
    const { origin, pathname, search } = new URL(options.url)
    const path = pathname + search
    const response = await dispatcher.request({ origin, path, method, headers, body, signal })
    const { statusCode: status, headers: answered } = response
    try {
      return { status, headers: answered, ...(await readBody(response.body, options.maxBytes)) }
    } catch (error) {
      const bodyError = classify(error, deadline)
      return { status, headers: answered, text: '', truncated: false, bodyError }
    }
  } catch (error) {
    throw classify(error, deadline)
  }
}

function classify(error: unknown, deadline: AbortSignal): RequestError {
  const code = errorCode(error)
  if (deadline.aborted || TOO_LATE.test(code)) return new RequestError('timeout', 'ETIMEDOUT')
  return new RequestError(NOT_HTTP.test(code) ? 'invalid' : 'connect', code)
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

/** The JSON value of an answer's text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
