import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request as it arrived; `path` holds the query too. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What has been asked so far, oldest first. */
export interface RequestLog {
  readonly requests: SeenRequest[]
  record: (request: SeenRequest) => void
  /** Resolves once that many requests have arrived in all. */
  received: (count: number) => Promise<void>
}

// A demo may run for days; a test asks far fewer.
const KEPT_REQUESTS = 10_000

export function createRequestLog(): RequestLog {
  const requests: SeenRequest[] = []
  let total = 0
  let waiting: { count: number; resolve: () => void }[] = []
  return {
    requests,
    record(request) {
      total += 1
      requests.push(request)
      if (requests.length > KEPT_REQUESTS) requests.shift()
      for (const waiter of waiting) if (waiter.count <= total) waiter.resolve()
      waiting = waiting.filter((waiter) => waiter.count > total)
    },
    received(count) {
      if (count <= total) return Promise.resolve()
      return new Promise((resolve) => waiting.push({ count, resolve }))
    },
  }
}

/** A request whose body was read to its end, of which at most `limit` bytes were kept. */
export interface ReadRequest {
  seen: SeenRequest
  tooLarge: boolean
}

/** Reads the body, keeping no more than `limit` bytes of it. */
export async function readRequest(request: IncomingMessage, limit: number): Promise<ReadRequest> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    // Drained rather than cut off: a client that is still writing would not see the answer.
    if (size <= limit) chunks.push(chunk)
  }
  const { method = '', url = '', headers } = request
  const body = Buffer.concat(chunks).toString()
  return { seen: { method, path: url, headers, body }, tooLarge: size > limit }
}
