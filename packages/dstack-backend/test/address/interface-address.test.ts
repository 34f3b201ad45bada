import fc from 'fast-check'
import { isIPv4 } from 'node:net'
import { describe, expect, it } from 'vitest'
import { interfaceAddress } from '../../src/address/interface-address.js'
import { isUsable } from '../../src/address/usable.js'
import { addressInfo, LOOPBACK } from './_interfaces.js'

const VIRTUAL = [
  'docker0',
  'docker_gwbridge',
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
]

describe('interfaceAddress', () => {
  it('is undefined where there is only loopback', () => {
    expect(interfaceAddress(LOOPBACK)).toBeUndefined()
  })

  it('takes the first address of a real interface', () => {
    const interfaces = {
      ...LOOPBACK,
      eth0: [addressInfo('10.0.0.7')],
      eth1: [addressInfo('10.0.1.7')],
    }
    expect(interfaceAddress(interfaces)).toBe('10.0.0.7')
  })

  it.each(VIRTUAL)('passes over %s', (name) => {
    const addresses = [addressInfo('172.17.0.1'), addressInfo('2001:db8::7')]
    expect(interfaceAddress({ [name]: addresses })).toBeUndefined()
    expect(interfaceAddress({ [name]: addresses, eth0: [addressInfo('10.0.0.7')] })).toBe(
      '10.0.0.7',
    )
  })

  it('takes a bridge that somebody made for the machine itself', () => {
    expect(interfaceAddress({ br0: [addressInfo('10.0.0.7')] })).toBe('10.0.0.7')
  })

  it('passes over link-local addresses', () => {
    const addresses = [addressInfo('169.254.1.1'), addressInfo('fe80::1', { scopeid: 2 })]
    expect(interfaceAddress({ eth0: addresses })).toBeUndefined()
  })

  it('passes over addresses with a scope', () => {
    const addresses = [addressInfo('2001:db8::1', { scopeid: 3 }), addressInfo('2001:db8::7')]
    expect(interfaceAddress({ eth0: addresses })).toBe('2001:db8::7')
  })

  it('prefers IPv4, and takes IPv6 where there is nothing else', () => {
    const v6 = addressInfo('2001:db8::7')
    expect(interfaceAddress({ eth0: [v6], eth1: [addressInfo('10.0.0.7')] })).toBe('10.0.0.7')
    expect(interfaceAddress({ eth0: [v6] })).toBe('2001:db8::7')
  })

  it('tells an external, usable address of a real interface, IPv4 where there is one', () => {
    const info = fc
      .tuple(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.constantFrom('127.0.0.1', '169.254.7.7', '::1', 'fe80::7', '10.0.0.7', 'fd00::7'),
        ),
        fc.boolean(),
        fc.constantFrom(0, 0, 2),
      )
      .map(([address, internal, scopeid]) => addressInfo(address, { internal, scopeid }))
    const names = fc.constantFrom('lo', 'eth0', 'enp3s0', 'bond0', 'br0', ...VIRTUAL)
    fc.assert(
      fc.property(fc.dictionary(names, fc.array(info)), (interfaces) => {
        const found = interfaceAddress(interfaces)
        const good = Object.entries(interfaces)
          .filter(([name]) => !VIRTUAL.includes(name))
          .flatMap(([, addresses]) => addresses)
          .filter(({ internal, address }) => !internal && isUsable(address))
          .filter((one) => one.family === 'IPv4' || one.scopeid === 0)
          .map(({ address }) => address)
        if (good.length === 0) expect(found).toBeUndefined()
        else expect(good).toContain(found)
        if (good.some((address) => isIPv4(address))) expect(isIPv4(found ?? '')).toBe(true)
      }),
    )
  })
})
