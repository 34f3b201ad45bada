import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import type { Allowlist } from '../list/allowlist.js'
import { authVerdictOf, unauthorized, type AuthVerdict } from './auth-verdict.js'
import type { AuthConfig } from '../config.js'
import type { ProxyRequest } from './forwarded-request.js'
import { judge } from '../list/verdict.js'

interface NamedKeyOptions {
  config: Pick<AuthConfig, 'pubkeyHeader' | 'pubkeyQuery'>
  current: () => Allowlist
  nowSeconds: () => number
}

/**
 * Judges a client by the key that the proxy names in a header or a parameter; how the client has shown
 * that the key is its own is up to the proxy. Throws when the list can't be asked.
 */
export function createNamedKeyAuth({
  config,
  current,
  nowSeconds,
}: NamedKeyOptions): (request: ProxyRequest) => AuthVerdict {
  return (request) => {
    const [text, ...more] = [
      ...valuesInHeader(request, config.pubkeyHeader),
      ...valuesInQuery(request, config.pubkeyQuery),
    ]
    if (text === undefined) return unauthorized('key_missing', 'the proxy has named no key')
    if (more.length > 0) return unauthorized('key_repeated', 'the proxy must name one key')
    const result = parsePubkey(text)
    if (result.ok) return authVerdictOf(result.pubkey, judge(current(), result.pubkey, nowSeconds))
    const isSecret = result.code === 'secret_key'
    return unauthorized(isSecret ? 'secret_key' : 'invalid_pubkey', result.message)
  }
}

function valuesInHeader({ headers }: ProxyRequest, name: string | undefined): readonly string[] {
  return name === undefined ? [] : (headers.get(name) ?? [])
}

/** Only in the query of `/auth` itself: below it, the path and the query are the client's (Envoy). */
function valuesInQuery({ url }: ProxyRequest, name: string | undefined): readonly string[] {
  const [, query] = /^\/auth\?(.*)$/.exec(url) ?? []
  return name === undefined ? [] : new URLSearchParams(query).getAll(name)
}
