import { isIP } from 'node:net'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createIpAddress, interfaceAddress } from '../src/ip-address.js'

function address(text: string, internal = false): NetworkInterfaceInfo {
  const rest = { netmask: '', mac: '', internal, cidr: null }
  return text.includes(':')
    ? { ...rest, address: text, family: 'IPv6', scopeid: 0 }
    : { ...rest, address: text, family: 'IPv4' }
}

const LOOPBACK = { lo: [address('127.0.0.1', true), address('::1', true)] }

describe('createIpAddress', () => {
  it('tells an address of this machine that others can use, or null', async () => {
    const found = await createIpAddress()()
    const own = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map((info) => info.address)
    if (own.length === 0) expect(found).toBeNull()
    else expect(own).toContain(found)
    expect(found === null || isIP(found) > 0).toBe(true)
  })
})

describe('interfaceAddress', () => {
  it('is null where there is only loopback', () => {
    expect(interfaceAddress(LOOPBACK)).toBeNull()
  })

  it('takes the first address of a real interface', () => {
    const interfaces = { ...LOOPBACK, eth0: [address('10.0.0.7')], eth1: [address('10.0.1.7')] }
    expect(interfaceAddress(interfaces)).toBe('10.0.0.7')
  })

  it.each([
    'docker0',
    'br-12ab',
    'veth1',
    'virbr0',
    'cni0',
    'flannel.1',
    'cali1',
    'lxcbr0',
    'podman0',
    'tailscale0',
    'wg0',
    'tun0',
  ])('passes over %s', (name) => {
    expect(interfaceAddress({ [name]: [address('172.17.0.1')] })).toBeNull()
  })

  it('passes over link-local addresses', () => {
    expect(interfaceAddress({ eth0: [address('169.254.1.1'), address('fe80::1')] })).toBeNull()
  })

  it('prefers IPv4, and takes IPv6 where there is nothing else', () => {
    const v6 = address('2001:db8::7')
    expect(interfaceAddress({ eth0: [v6, address('10.0.0.7')] })).toBe('10.0.0.7')
    expect(interfaceAddress({ eth0: [v6] })).toBe('2001:db8::7')
  })
})
