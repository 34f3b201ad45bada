import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatListenAddress, localAddress, parseListenAddress } from '../src/listen-address.js'

const anyPort = fc.integer({ min: 0, max: 65535 })
const anyHost = fc.oneof(fc.ipV4(), fc.ipV6().filter(isIPv6), fc.domain())

describe('parseListenAddress accepts', () => {
  it.each([
    ['0.0.0.0:8082', { host: '0.0.0.0', port: 8082 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['127.0.0.1:65535', { host: '127.0.0.1', port: 65535 }],
    [':8080', { host: '0.0.0.0', port: 8080 }],
    ['localhost:8080', { host: 'localhost', port: 8080 }],
    ['whitelist-1.example.org:80', { host: 'whitelist-1.example.org', port: 80 }],
    ['example.org.:80', { host: 'example.org.', port: 80 }],
    ['1password.example:80', { host: '1password.example', port: 80 }],
    ['[::]:8080', { host: '::', port: 8080 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['[fe80::1%eth0]:8080', { host: 'fe80::1%eth0', port: 8080 }],
    ['[::ffff:127.0.0.1]:8080', { host: '::ffff:127.0.0.1', port: 8080 }],
    ['127.0.0.1:00080', { host: '127.0.0.1', port: 80 }],
  ])('%s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address)
  })
})

describe('parseListenAddress refuses', () => {
  const form = 'must be host:port, [v6]:port or :port, like 0.0.0.0:8080'
  const brackets = 'an IPv6 address goes in brackets, like [::1]:8080'
  const port = 'the port must be between 0 and 65535'
  const host = 'the host must be an IP address or a host name'
  const inBrackets = 'what stands in brackets must be an IPv6 address'

  it.each([
    ['a host alone', '0.0.0.0', form],
    ['a port alone', '8080', form],
    ['nothing', '', form],
    ['a colon alone', ':', form],
    ['a host without its port', 'localhost:', form],
    ['a port that is no number', 'localhost:http', form],
    ['a negative port', 'localhost:-1', form],
    ['a port with a sign', 'localhost:+80', form],
    ['a hexadecimal port', 'localhost:0x50', form],
    ['a port in other digits', 'localhost:\u0668\u0660', form],
    ['a port of six digits', 'localhost:100000', form],
    ['an IPv6 address in brackets without a port', '[::1', brackets],
    ['an IPv6 address without brackets', '::1', brackets],
    ['an IPv6 address with a port but without brackets', '::1:8080', brackets],
    ['a URL', 'http://localhost:8080', brackets],
    ['a port above 65535', 'localhost:65536', port],
    ['an IPv4 address in brackets', '[127.0.0.1]:80', inBrackets],
    ['empty brackets', '[]:80', inBrackets],
    ['an IPv4 address with a byte too many', '1.2.3.4.5:80', host],
    ['an IPv4 address with a byte too large', '256.0.0.1:80', host],
    ['an IPv4 address with a byte missing', '127.1:80', host],
    ['a number for a host', '1234:80', host],
    ['a host with a space', 'local host:80', host],
    ['a host with a path', 'localhost/x:80', host],
    ['a host with an underscore', 'my_host:80', host],
    ['a host that starts with a hyphen', '-host:80', host],
    ['a host with an empty label', 'a..b:80', host],
    ['a host with a label of 64 letters', `${'a'.repeat(64)}:80`, host],
    ['a host of 254 letters', `${'a.'.repeat(127)}:80`, host],
    ['a user name', 'user@localhost:80', host],
    ['a star', '*:80', host],
  ])('%s', (_, text, message) => {
    expect(() => parseListenAddress(text)).toThrow(new Error(message))
  })
})

describe('parseListenAddress', () => {
  it('reads or refuses any text in one of five sentences', () => {
    const messages = new Set<string>()
    const pieces = fc.constantFrom('[', ']', ':', '::1', '80', 'a', '.', '127.0.0.1', ' ', '\n')
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(parseListenAddress(text).port).toBeLessThanOrEqual(65535)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          messages.add((error as Error).message)
        }
      }),
    )
    expect(messages.size).toBeLessThanOrEqual(5)
  })

  it('reads back every address that formatListenAddress writes', () => {
    fc.assert(
      fc.property(anyHost, anyPort, (host, port) => {
        expect(parseListenAddress(formatListenAddress({ host, port }))).toEqual({ host, port })
      }),
    )
  })
})

describe('formatListenAddress', () => {
  it('puts an IPv6 address in brackets', () => {
    expect(formatListenAddress({ host: '::', port: 80 })).toBe('[::]:80')
  })

  it('writes a name and an IPv4 address as they are', () => {
    expect(formatListenAddress({ host: 'localhost', port: 80 })).toBe('localhost:80')
    expect(formatListenAddress({ host: '10.0.0.7', port: 0 })).toBe('10.0.0.7:0')
  })
})

describe('localAddress', () => {
  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
    ['10.0.0.7', '10.0.0.7'],
    ['localhost', 'localhost'],
  ])('reaches %s under %s', (host, local) => {
    expect(localAddress({ host, port: 8080 })).toEqual({ host: local, port: 8080 })
  })
})
