import { HttpError } from '@dstack-node/service-kit'
import type { TokenClaim } from './used-tokens.js'

/** A refusal at the gate, with the headers that belong to it. */
export class GateError extends HttpError {
  readonly headers: Record<string, string>

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(status, code, message)
    this.headers = headers
  }
}

/** There is no token that is good for this request. */
export function unauthorized(code: string, message: string): GateError {
  return new GateError(401, code, message, { 'www-authenticate': 'Nostr' })
}

/** The token is good, but not of an admin. */
export function forbidden(): GateError {
  return new GateError(403, 'forbidden', 'this key may not change the list')
}

/** The client has to wait before its next token is looked at. */
export function tooManyAttempts(seconds: number): GateError {
  const message = 'too many attempts failed: try again later'
  return new GateError(429, 'too_many_attempts', message, { 'retry-after': String(seconds) })
}

/** The token of an admin can't be used, or not any more. */
export function unclaimed(claim: Exclude<TokenClaim, 'claimed'>): GateError {
  switch (claim) {
    case 'used':
      // Clients that repeat a request within one second sign the very same token.
      return unauthorized('token_used', 'the token was used before: sign another, a second later')
    case 'before_start':
      return unauthorized('token_before_start', 'the token is older than this service: try again')
    case 'out_of_window':
      return unauthorized('token_expired', 'the token is too old: make a new one')
    case 'full': {
      const message = 'too many requests came in a short time: try again later'
      return new GateError(503, 'too_many_tokens', message, { 'retry-after': '60' })
    }
  }
}
