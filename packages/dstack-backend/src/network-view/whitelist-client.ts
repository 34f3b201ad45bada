import { formatNpub } from '@dstack-node/service-kit'
import type { Dispatcher } from 'undici'
import * as z from 'zod'
import {
  parseJson,
  RequestError,
  requestBounded,
  type BoundedResponse,
} from '../requests/bounded-request.js'
import type { Endpoint } from '../requests/endpoint.js'
import { redirectTarget } from '../requests/redirect-target.js'
import type { WhitelistView } from './observation.js'

/** What came of asking the whitelist. */
export type WhitelistReply =
  | { kind: 'verdict'; code: WhitelistView['code'] }
  /** An answer that says nothing of the key; `location` is where a redirect points. */
  | { kind: 'no_verdict'; request: string; status: number; location: string | undefined }
  | { kind: 'no_answer'; request: string; code: string }

/** Limits of each request. */
interface RequestLimits {
  timeoutMs: number
  signal: AbortSignal
}

/** Asks for a key, 64 lower-case hex digits. Never rejects. */
export type AskWhitelist = (pubkey: string, limits: RequestLimits) => Promise<WhitelistReply>

const MAX_BYTES = 64 * 1024

const checkSchema = z.object({ code: z.enum(['listed', 'not_listed', 'banned', 'expired']) })
const olderSchema = z.object({ is_whitelisted: z.boolean() })

/**
 * A client of the whitelist service at `endpoint`. A service that does not know `/api/check` is asked as
 * its older versions are: these compare texts, so for the spelling that lists have, npub.
 */
export function createWhitelistClient(endpoint: Endpoint, dispatcher: Dispatcher): AskWhitelist {
  const headers = {
    accept: 'application/json',
    ...(endpoint.authorization !== undefined && { authorization: endpoint.authorization }),
  }
  return async (pubkey, limits) => {
    const reply = await ask(`/api/check/${pubkey}`, parseCheck, limits)
    if (reply.kind !== 'no_verdict' || reply.status !== 404) return reply
    return ask(`/api/whitelist?pubkey=${formatNpub(pubkey)}`, parseOlder, limits)
  }

  async function ask(
    path: string,
    parse: (response: BoundedResponse) => WhitelistView['code'] | undefined,
    limits: RequestLimits,
  ): Promise<WhitelistReply> {
    const request = `GET ${/^\/api\/[a-z]+/.exec(path)?.[0] ?? path}`
    try {
      const url = endpoint.baseUrl + path
      const options = { ...limits, url, method: 'GET' as const, headers, dispatcher }
      const response = await requestBounded({ ...options, maxBytes: MAX_BYTES })
      if (response.bodyError) throw response.bodyError
      const code = response.truncated ? undefined : parse(response)
      if (code !== undefined) return { kind: 'verdict', code }
      const location = redirectTarget(response.headers)
      return { kind: 'no_verdict', request, status: response.status, location }
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      return { kind: 'no_answer', request, code: error.code }
    }
  }
}

/** The verdict is in the status and in the body; where they differ, there is none. */
function parseCheck({ status, text }: BoundedResponse): WhitelistView['code'] | undefined {
  if (status !== 200 && status !== 403) return undefined
  const code = checkSchema.safeParse(parseJson(text)).data?.code
  return (code === 'listed') === (status === 200) ? code : undefined
}

function parseOlder({ status, text }: BoundedResponse): WhitelistView['code'] | undefined {
  if (status !== 200) return undefined
  const listed = olderSchema.safeParse(parseJson(text)).data?.is_whitelisted
  return listed === undefined ? undefined : listed ? 'listed' : 'not_listed'
}
