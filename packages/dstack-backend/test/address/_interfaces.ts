import type { NetworkInterfaceInfo } from 'node:os'

/** An address of an interface, as `node:os` lists it. */
export function addressInfo(
  address: string,
  { internal = false, scopeid = 0 } = {},
): NetworkInterfaceInfo {
  const rest = { address, netmask: '', mac: '', internal, cidr: null }
  return address.includes(':') ? { ...rest, family: 'IPv6', scopeid } : { ...rest, family: 'IPv4' }
}

export const LOOPBACK = {
  lo: [addressInfo('127.0.0.1', { internal: true }), addressInfo('::1', { internal: true })],
}
