import { isIP, isIPv6 } from 'node:net'

/** Where a server listens. `host` is an IP address without brackets, or a host name. */
export interface ListenAddress {
  host: string
  port: number
}

const FORM = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i
const DIGITS_AND_DOTS = /^[\d.]+$/

/**
 * Reads `host:port`, `[v6]:port` or `:port` (every IPv4 address). Port 0 lets the system choose.
 *
 * Throws an Error that says what is wrong, without repeating the text.
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = FORM.exec(text)
  if (!match) {
    if (isIPv6(text) || text.split(':').length > 2) {
      throw new Error('an IPv6 address goes in brackets, like [::1]:8080')
    }
    throw new Error('must be host:port, [v6]:port or :port, like 0.0.0.0:8080')
  }
  const [, v6, host, digits] = match
  const port = Number(digits)
  if (port > 65535) throw new Error('the port must be between 0 and 65535')
  if (v6 !== undefined) {
    if (!isIPv6(v6)) throw new Error('what stands in brackets must be an IPv6 address')
    return { host: v6, port }
  }
  return { host: parseHost(host ?? ''), port }
}

function parseHost(host: string): string {
  if (host === '') return '0.0.0.0'
  const named = HOST_NAME.test(host) && !DIGITS_AND_DOTS.test(host)
  if (isIP(host) === 0 && !named) {
    throw new Error('the host must be an IP address or a host name')
  }
  return host
}

/** The address as `host:port`, with an IPv6 address in brackets. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** The address under which this machine itself reaches a server that listens there. */
export function localAddress({ host, port }: ListenAddress): ListenAddress {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port }
  if (host === '::') return { host: '::1', port }
  return { host, port }
}
