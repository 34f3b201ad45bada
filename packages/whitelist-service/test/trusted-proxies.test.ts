import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProxyTest, parseAddressRange } from '../src/trusted-proxies.js'

function isTrusted(ranges: string[], address: string): boolean {
  return createProxyTest(ranges.map(parseAddressRange))(address)
}

describe('parseAddressRange', () => {
  it.each([
    ['127.0.0.1', { address: '127.0.0.1', prefix: 32 }],
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8 }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0 }],
    ['::1', { address: '::1', prefix: 128 }],
    ['fd00::/8', { address: 'fd00::', prefix: 8 }],
  ])('reads %s', (text, range) => {
    expect(parseAddressRange(text)).toEqual(range)
  })

  it.each([
    '',
    'hunter2',
    'nginx',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.0/',
    '10.0.0.0/a',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.1:80',
    '[::1]',
    '*',
  ])('refuses %j and does not repeat it', (text) => {
    expect(() => parseAddressRange(text)).toThrow(
      new Error('must hold IP addresses or ranges, like 127.0.0.1 or 10.0.0.0/8'),
    )
  })

  it.each([
    ['10.0.0.0/33', 32],
    ['::1/129', 128],
  ])('refuses %s, which has too many bits', (text, bits) => {
    expect(() => parseAddressRange(text)).toThrow(
      new Error(`has a range of more than ${bits} bits`),
    )
  })
})

describe('createProxyTest', () => {
  it('trusts nobody where nobody is named', () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '', '0.0.0.0']) {
      expect(isTrusted([], address)).toBe(false)
    }
  })

  it.each([
    ['10.1.2.3', true],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['9.255.255.255', false],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:10.1.2.3', true],
    ['::ffff:0a01:0203', true],
    ['::ffff:11.1.2.3', false],
    ['fd00::1', true],
    ['fe00::1', false],
    ['127.0.0.1', true],
    ['127.0.0.2', false],
    ['', false],
    ['unknown', false],
    ['10.1.2.3, 8.8.8.8', false],
    ['/tmp/socket', false],
  ])('says of %s: %s', (address, trusted) => {
    expect(isTrusted(['10.0.0.0/8', 'fd00::/8', '127.0.0.1'], address)).toBe(trusted)
  })

  it('knows an IPv4 range that is written as IPv6', () => {
    expect(isTrusted(['::ffff:10.0.0.0/104'], '10.1.2.3')).toBe(true)
    expect(isTrusted(['::ffff:10.0.0.0/104'], '11.1.2.3')).toBe(false)
  })

  it('compares exactly the bits of the range', () => {
    const anyAddress = fc.nat(0xffffffff)
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(32), (range, address, prefix) => {
        const shift = 2 ** (32 - prefix)
        const inside = Math.floor(range / shift) === Math.floor(address / shift)
        expect(isTrusted([`${dotted(range)}/${prefix}`], dotted(address))).toBe(inside)
        expect(isTrusted([`${dotted(range)}/${prefix}`], `::ffff:${dotted(address)}`)).toBe(inside)
      }),
    )
  })
})

function dotted(address: number): string {
  return [24, 16, 8, 0].map((bits) => (address >>> bits) & 0xff).join('.')
}
