import { BlockList, isIP } from 'node:net'

/** Loopback, link-local (no router passes it on) and "any". */
const USELESS = new BlockList()
USELESS.addSubnet('127.0.0.0', 8)
USELESS.addSubnet('169.254.0.0', 16)
USELESS.addSubnet('0.0.0.0', 8)
USELESS.addAddress('::', 'ipv6')
USELESS.addAddress('::1', 'ipv6')
USELESS.addSubnet('fe80::', 10, 'ipv6')

/** Whether it is an IP address that other machines may reach. */
export function isUsable(address: string): boolean {
  // What follows a percent sign has a meaning on this machine alone.
  if (isIP(address) === 0 || address.includes('%')) return false
  return !USELESS.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
