import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUsable } from '../../src/address/usable.js'

describe('isUsable', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback as Debian names the host', '127.0.1.1'],
    ['any', '0.0.0.0'],
    ['link-local', '169.254.1.1'],
    ['loopback of IPv6', '::1'],
    ['any of IPv6', '::'],
    ['loopback of IPv4 in IPv6', '::ffff:127.0.0.1'],
    ['link-local of IPv6', 'fe80::1'],
    ['the end of link-local', 'febf::1'],
    ['link-local with a scope', 'fe80::1%eth0'],
    ['anything with a scope', '2001:db8::1%eth0'],
    ['nothing', ''],
    ['a name', 'localhost'],
  ])('is false for %s', (_name, address) => {
    expect(isUsable(address)).toBe(false)
  })

  it.each(['10.0.0.7', '172.17.0.2', '192.168.1.1', '100.64.0.1', '203.0.113.7', '128.0.0.1'])(
    'is true for %s',
    (address) => {
      expect(isUsable(address)).toBe(true)
    },
  )

  it.each(['2001:db8::7', 'fd00::2', 'fec0::1', '::ffff:10.0.0.7'])('is true for %s', (address) => {
    expect(isUsable(address)).toBe(true)
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
        expect(typeof isUsable(text)).toBe('boolean')
      }),
    )
  })
})
