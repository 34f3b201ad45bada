import type { Dispatcher } from 'undici'
import * as z from 'zod'
import {
  parseJson,
  RequestError,
  requestBounded,
  type BoundedResponse,
} from '../requests/bounded-request.js'
import type { Endpoint } from '../requests/endpoint.js'
import { oneLine } from '../one-line.js'
import { withoutCredentials } from '../requests/without-credentials.js'
import { redirectTarget } from '../requests/redirect-target.js'

/** The worker as the registry knows it, in the registry's own names. */
export interface Worker {
  pubkey: string
  owner: string
  node_type: string
}

/** What came of a request to the registry. */
export type RegistryReply =
  | {
      kind: 'answer'
      status: number
      /** Whether the body says that the worker may write, whatever the status is. */
      allowsAll: boolean
      /** What the body says, short and on one line; empty when it says nothing. */
      words: string
      /** How long the registry asks to wait. */
      retryAfterMs: number | undefined
      /** Where a redirect points. */
      location: string | undefined
      /** Why the body did not arrive whole, as a code like `ECONNRESET`. */
      bodyError?: string | undefined
    }
  | { kind: 'no_answer'; code: string }

/** Limits of one request. */
export interface RequestLimits {
  timeoutMs: number
  signal: AbortSignal
}

/** The two requests that the registry takes. They never reject. */
export interface RegistryClient {
  getPermission: (pubkey: string, limits: RequestLimits) => Promise<RegistryReply>
  postWorker: (worker: Worker, limits: RequestLimits) => Promise<RegistryReply>
}

const MAX_BYTES = 1024 * 1024
const MAX_WORDS = 300

const permissionSchema = z.object({ write: z.object({ mode: z.literal('AllowAll') }) })
const errorSchema = z.union([
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
])

/** A client of the registry at `endpoint`. */
export function createRegistryClient(endpoint: Endpoint, dispatcher: Dispatcher): RegistryClient {
  const headers = {
    accept: 'application/json',
    ...(endpoint.authorization !== undefined && { authorization: endpoint.authorization }),
  }
  return {
    getPermission: (pubkey, limits) =>
      ask({ ...limits, method: 'GET', url: `${endpoint.baseUrl}/permissions/${pubkey}`, headers }),
    postWorker: (worker, limits) =>
      ask({
        ...limits,
        method: 'POST',
        url: `${endpoint.baseUrl}/workers`,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(worker),
      }),
  }

  async function ask(
    options: Omit<Parameters<typeof requestBounded>[0], 'dispatcher' | 'maxBytes'>,
  ): Promise<RegistryReply> {
    try {
      const response = await requestBounded({ ...options, dispatcher, maxBytes: MAX_BYTES })
      return parseReply(response, endpoint.authorization)
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      return { kind: 'no_answer', code: error.code }
    }
  }
}

function parseReply(
  { status, headers, text, truncated, bodyError }: BoundedResponse,
  authorization: string | undefined,
): RegistryReply {
  const json = parseJson(text)
  return {
    kind: 'answer',
    status,
    allowsAll: permissionSchema.safeParse(json).success,
    words: oneLine(
      withoutCredentials(errorSchema.safeParse(json).data ?? text, authorization),
      MAX_WORDS,
    ),
    retryAfterMs: parseRetryAfter(first(headers['retry-after'])),
    location: redirectTarget(headers),
    bodyError: bodyError?.code ?? (truncated ? 'EMSGSIZE' : undefined),
  }
}

/** Seconds or a date (RFC 9110, 10.2.3) in milliseconds from now; undefined for anything else. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = /GMT$/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
