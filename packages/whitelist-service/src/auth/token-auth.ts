import type { Allowlist } from '../list/allowlist.js'
import type { AttemptLimit } from '../attempt-limit.js'
import type { AuthHost } from './auth-hosts.js'
import { authVerdictOf, unauthorized, type AuthVerdict } from './auth-verdict.js'
import {
  readForwardedRequest,
  type ForwardedRequestCode,
  type ProxyRequest,
} from './forwarded-request.js'
import { verifyNip98, type Nip98Verdict, type SignedRequest } from '../nip98.js'
import { judge } from '../list/verdict.js'

interface TokenAuthOptions {
  hosts: readonly AuthHost[]
  limit: AttemptLimit
  current: () => Allowlist
  nowSeconds: () => number
}

class AttemptsExhausted extends Error {
  override readonly name = 'AttemptsExhausted'
}

const MESSAGES: Record<ForwardedRequestCode, string> = {
  request_unknown: 'the proxy must send X-Forwarded-Method, X-Forwarded-Host and X-Forwarded-Uri',
  request_ambiguous: 'the proxy must tell the method, the host and the URI, each of them once',
  host_unknown: 'no entry of AUTH_HOSTS fits the host that was asked for',
}

/**
 * Judges a client by its own NIP-98 token for the request that a proxy forwards. A token may come more
 * than once: the parts of one page are asked for at the same time, and tried again.
 *
 * `client` is the address whose attempts are counted. Throws when the list can't be asked.
 */
export function createTokenAuth(
  options: TokenAuthOptions,
): (request: ProxyRequest, client: string) => AuthVerdict {
  return (request, client) => {
    const [header, ...more] = request.headers.get('authorization') ?? []
    if (more.length > 0) return unauthorized('token_repeated', 'there must be one token')
    const forwarded = readForwardedRequest(request, options.hosts)
    if (typeof forwarded === 'string') return unauthorized(forwarded, MESSAGES[forwarded])
    try {
      return judgeToken(header, forwarded, client, options)
    } catch (error) {
      if (error instanceof AttemptsExhausted) return refuseForNow(options.limit, client)
      throw error
    }
  }
}

function judgeToken(
  header: string | undefined,
  forwarded: SignedRequest,
  client: string,
  { limit, current, nowSeconds }: TokenAuthOptions,
): AuthVerdict {
  const ask = (pubkey: string) => judge(current(), pubkey, nowSeconds)
  const isAllowed = (pubkey: string): boolean => {
    // The last thing before the signature is checked, which is what costs.
    if (limit.isExhausted(client)) throw new AttemptsExhausted()
    return ask(pubkey).code === 'listed'
  }
  const result = verifyNip98(header, forwarded, { nowSeconds: nowSeconds(), isAllowed })
  if (isCostly(result)) limit.recordFailure(client)
  if (result.kind === 'invalid') return unauthorized(result.code, result.message)
  return authVerdictOf(result.token.pubkey, ask(result.token.pubkey))
}

/** Whether a signature was checked for nothing. */
function isCostly(result: Nip98Verdict): boolean {
  return result.kind === 'invalid'
    ? result.code === 'token_bad_signature'
    : result.kind === 'forbidden'
}

function refuseForNow(limit: AttemptLimit, client: string): AuthVerdict {
  return {
    status: 503,
    code: 'too_many_attempts',
    message: 'too many tokens from this address were refused: try again later',
    retryAfterSeconds: limit.retryAfterSeconds(client),
  }
}
