import type { Logger } from '@dstack-node/service-kit'
import type { Allowlist } from '../list/allowlist.js'
import { createAttemptLimit } from '../attempt-limit.js'
import { unauthorized, type AuthVerdict } from './auth-verdict.js'
import { createClientAddress } from '../client-address.js'
import type { Clock } from '../clock.js'
import type { AuthConfig } from '../config.js'
import type { ProxyRequest } from './forwarded-request.js'
import { createNamedKeyAuth } from './named-key-auth.js'
import { createTokenAuth } from './token-auth.js'
import { createProxyTest } from '../trusted-proxies.js'

interface ForwardAuthOptions {
  config: AuthConfig
  current: () => Allowlist
  clock: Clock
  log: Logger
}

/** How many strangers are reported at most: they choose how many they are. */
const MAX_REPORTS = 100

const OFF = unauthorized('forward_auth_off', 'forward authentication is off: set TRUSTED_PROXIES')
const UNTRUSTED = unauthorized(
  'untrusted_proxy',
  'this comes from an address that TRUSTED_PROXIES does not name',
)

/**
 * Decides whether a proxy may let its client in. `peer` is the address at the other end of the connection:
 * of any but a trusted proxy, nothing is believed. Throws when the list can't be asked.
 */
export function createForwardAuth({
  config,
  current,
  clock,
  log,
}: ForwardAuthOptions): (peer: string, request: ProxyRequest) => AuthVerdict {
  const isTrusted = createProxyTest(config.trustedProxies)
  const addressOf = createClientAddress(config.trustedProxies)
  const report = createStrangerReport(log)
  const nowSeconds = () => Math.floor(clock.nowMs() / 1000)
  const limit = createAttemptLimit({ clock })
  const askToken = createTokenAuth({ hosts: config.hosts, limit, current, nowSeconds })
  const askKey = createNamedKeyAuth({ config, current, nowSeconds })
  return (peer, request) => {
    if (!isTrusted(peer)) {
      report(peer)
      return config.trustedProxies.length === 0 ? OFF : UNTRUSTED
    }
    if (!goesByToken(config, request)) return askKey(request)
    const addresses = [...(request.headers.get('x-forwarded-for') ?? [])]
    const client = addressOf({ ip: peer, headers: { 'x-forwarded-for': addresses } })
    return askToken(request, client)
  }
}

/** Where both ways are open, a token goes first, be it good or bad. */
function goesByToken(config: AuthConfig, { headers }: ProxyRequest): boolean {
  if (config.pubkeyHeader === undefined && config.pubkeyQuery === undefined) return true
  const values = headers.get('authorization') ?? []
  return config.hosts.length > 0 && values.some((value) => /^nostr(?:\s|$)/i.test(value))
}

function createStrangerReport(log: Logger): (address: string) => void {
  const reported = new Set<string>()
  return (address) => {
    if (reported.has(address) || reported.size >= MAX_REPORTS) return
    reported.add(address)
    log.warn(
      { address },
      'refused to answer /auth: if this is your proxy, add its address to TRUSTED_PROXIES',
    )
  }
}
