import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAuthHost } from '../../src/auth/auth-hosts.js'

describe('parseAuthHost', () => {
  it.each([
    ['media.example.com', 'media.example.com', undefined],
    ['MEDIA.example.COM', 'media.example.com', undefined],
    ['media.example.com:8443', 'media.example.com:8443', undefined],
    ['localhost:3000', 'localhost:3000', undefined],
    ['10.0.0.1', '10.0.0.1', undefined],
    ['[::1]:8080', '[::1]:8080', undefined],
    ['b\u00fccher.example', 'xn--bcher-kva.example', undefined],
    ['https://media.example.com', 'media.example.com', 'https:'],
    ['https://media.example.com/', 'media.example.com', 'https:'],
    ['https://media.example.com:443', 'media.example.com', 'https:'],
    ['HTTP://media.example.com:8080', 'media.example.com:8080', 'http:'],
    ['http://media.example.com:80', 'media.example.com', 'http:'],
  ])('reads %s', (text, host, protocol) => {
    expect(parseAuthHost(text)).toEqual({ host, protocol })
  })

  it.each([
    ['nothing', ''],
    ['a path', 'media.example.com/files'],
    ['a query', 'media.example.com?a=hunter2'],
    ['a fragment', 'media.example.com#a'],
    ['credentials', 'me:hunter2@media.example.com'],
    ['another scheme', 'ftp://media.example.com'],
    ['a scheme alone', 'https://'],
    ['a port that does not exist', 'media.example.com:99999'],
    ['a wildcard', '*.example.com'],
    ['a wildcard for everything', '*'],
    ['an IPv6 address without brackets', '::1'],
  ])('refuses %s and does not repeat it', (_, text) => {
    expect(() => parseAuthHost(text)).toThrow(
      new Error('must hold hosts, like media.example.com:8443 or https://media.example.com'),
    )
  })

  it('reads any text as a host in lower case, or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.domain()), (text) => {
        try {
          const { host } = parseAuthHost(text)
          expect(new URL(`https://${host}`).host).toBe(host.replace(/:443$/, ''))
        } catch (error) {
          expect((error as Error).message).toMatch(/^must hold hosts/)
        }
      }),
    )
  })
})
