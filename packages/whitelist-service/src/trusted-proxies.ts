import { BlockList, isIP, isIPv4 } from 'node:net'

/** One address, or all that begin with the same `prefix` bits. */
export interface AddressRange {
  address: string
  prefix: number
}

/**
 * Reads an IP address or a range of them in CIDR form, like `10.0.0.0/8`.
 *
 * Throws an Error that says what is wrong, without repeating the text.
 */
export function parseAddressRange(text: string): AddressRange {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : 128
  if (isIP(address) === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? '0')) {
    throw new Error('must hold IP addresses or ranges, like 127.0.0.1 or 10.0.0.0/8')
  }
  if (Number(prefix ?? bits) > bits) throw new Error(`has a range of more than ${bits} bits`)
  return { address, prefix: Number(prefix ?? bits) }
}

/** Tells whether a request's own address (never one in a header) is in one of the ranges. */
export function createProxyTest(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList()
  for (const { address, prefix } of ranges) {
    list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    // On a dual-stack socket an IPv4 peer shows up as ::ffff:a.b.c.d.
    const bare = address.replace(/^::ffff:(?=\d+\.)/i, '')
    return isIP(bare) !== 0 && list.check(bare, isIPv4(bare) ? 'ipv4' : 'ipv6')
  }
}
