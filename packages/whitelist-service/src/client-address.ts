import type { FastifyRequest } from 'fastify'
import { createProxyTest, type AddressRange } from './trusted-proxies.js'

/**
 * Tells which address a request comes from: its own, or, where that is a trusted proxy's, the last one in
 * X-Forwarded-For that is none. What stands before it there could be made up.
 */
export function createClientAddress(
  trustedProxies: readonly AddressRange[],
): (request: Pick<FastifyRequest, 'ip' | 'headers'>) => string {
  const isProxy = createProxyTest(trustedProxies)
  return ({ ip, headers }) => {
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    const way = [...forwarded.map((address) => address.trim()).filter(Boolean), ip]
    return way.findLast((address) => !isProxy(address)) ?? ip
  }
}
