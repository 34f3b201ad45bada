import { describe, expect, it } from 'vitest'
import { createClientAddress } from '../src/client-address.js'
import { parseAddressRange } from '../src/trusted-proxies.js'

const addressOf = createClientAddress(['10.0.0.0/8', 'fd00::/8'].map(parseAddressRange))
const from = (ip: string, forwarded?: string) =>
  addressOf({ ip, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } })

describe('createClientAddress', () => {
  it('is the own address of whoever is no proxy, whatever they say', () => {
    expect(from('203.0.113.7')).toBe('203.0.113.7')
    expect(from('203.0.113.7', '198.51.100.1')).toBe('203.0.113.7')
    expect(from('203.0.113.7', '10.0.0.1')).toBe('203.0.113.7')
  })

  it.each([
    ['the only address that the proxy tells', '198.51.100.1', '198.51.100.1'],
    ['the last one', '192.0.2.9, 198.51.100.1', '198.51.100.1'],
    ['the last one that is no proxy', '192.0.2.9,198.51.100.1, 10.0.0.2,fd00::1', '198.51.100.1'],
    ['an IPv6 address', '2001:db8::1', '2001:db8::1'],
    ['what is no address at all', 'unknown', 'unknown'],
    ['the proxy itself where it tells nothing', ' , ', '10.0.0.1'],
    ['the proxy itself where it tells of proxies only', '10.0.0.2', '10.0.0.1'],
  ])('is %s', (_, forwarded, expected) => {
    expect(from('10.0.0.1', forwarded)).toBe(expected)
    expect(from('::ffff:10.0.0.1', forwarded).replace('::ffff:', '')).toBe(expected)
  })

  it('is the proxy itself where it sends no header', () => {
    expect(from('10.0.0.1')).toBe('10.0.0.1')
  })
})
