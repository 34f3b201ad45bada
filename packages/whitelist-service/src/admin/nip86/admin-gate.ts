import type { Logger } from '@dstack-node/service-kit'
import { createAttemptLimit, type AttemptLimit } from '../../attempt-limit.js'
import type { Clock } from '../../clock.js'
import { verifyNip98, type Nip98Token } from '../../nip98.js'
import { createClockWarning } from './clock-warning.js'
import { forbidden, GateError, tooManyAttempts, unauthorized, unclaimed } from './gate-error.js'
import { urlFormsOf } from './public-url.js'
import { createUsedTokens, type UsedTokens } from './used-tokens.js'

/** Who may change the list over HTTP, and the URL under which they reach this service. */
export interface AdminSettings {
  pubkeys: ReadonlySet<string>
  publicUrl: URL
}

/** What the gate looks at. */
export interface AdminRequest {
  authorization: string | undefined
  /** The path and the query, as they were sent. */
  target: string
  /** The raw bytes. */
  body: Uint8Array
  /** Who is charged for an attempt that fails. */
  address: string
}

/** What the gate works with. */
export interface AdminGateOptions {
  settings: AdminSettings
  clock: Clock
  log: Logger
  limit?: AttemptLimit
  tokens?: UsedTokens
}

/** Refusals that came only after a signature was checked; of a full memory nobody is guilty. */
const COSTLY = new Set(['token_bad_signature', 'forbidden', 'token_used', 'token_before_start'])
const ABOUT_TIME = new Set(['token_expired', 'token_from_future', 'token_before_start'])

/**
 * Lets through whoever sends a token of an admin for exactly this request, once, and tells their key.
 * Throws a GateError for everybody else, which repeats nothing of the request or of what was expected.
 */
export function createAdminGate(options: AdminGateOptions): (request: AdminRequest) => string {
  const { settings, clock, log } = options
  const { limit = createAttemptLimit({ clock }), tokens = createUsedTokens({ clock }) } = options
  const warnOfClock = createClockWarning(clock, log)

  function verify({ authorization, target, body, address }: AdminRequest): Nip98Token {
    const request = { urls: urlFormsOf(settings.publicUrl, target), method: 'POST', body }
    const isAllowed = (pubkey: string): boolean => {
      // The last thing before the signature is checked, which is what costs.
      if (limit.isExhausted(address)) throw tooManyAttempts(limit.retryAfterSeconds(address))
      return settings.pubkeys.has(pubkey)
    }
    const nowSeconds = Math.floor(clock.nowMs() / 1000)
    const verdict = verifyNip98(authorization, request, { nowSeconds, isAllowed })
    if (verdict.kind === 'invalid') throw unauthorized(verdict.code, verdict.message)
    if (verdict.kind === 'forbidden') throw forbidden()
    return verdict.token
  }

  function admit(request: AdminRequest): string {
    const token = verify(request)
    const claim = tokens.claim(token)
    if (claim !== 'claimed') throw unclaimed(claim)
    return token.pubkey
  }

  return (request) => {
    try {
      return admit(request)
    } catch (error) {
      const code = error instanceof GateError ? error.code : ''
      if (COSTLY.has(code)) limit.recordFailure(request.address)
      if (ABOUT_TIME.has(code)) warnOfClock()
      throw error
    }
  }
}
