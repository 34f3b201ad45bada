import { describe, expect, it } from 'vitest'
import { parseDstackEndpoint, parseHttpEndpoint } from '../../src/requests/endpoint.js'

describe('parseHttpEndpoint', () => {
  it.each([
    ['http://host:9200', 'http://host:9200'],
    ['http://host:9200/', 'http://host:9200'],
    ['https://host/api/v1', 'https://host/api/v1'],
    ['https://host/api/v1//', 'https://host/api/v1'],
    ['HTTP://[::1]:9200', 'http://[::1]:9200'],
  ])('reads %s as %s', (text, baseUrl) => {
    expect(parseHttpEndpoint(text)).toEqual({ baseUrl })
  })

  it('takes credentials out of the URL into a header', () => {
    expect(parseHttpEndpoint('http://me:p%40ss@host/x')).toEqual({
      baseUrl: 'http://host/x',
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    })
  })

  it.each([
    ['no scheme', 'registry:9200'],
    ['another scheme', 'ftp://host'],
    ['no host', 'http://'],
    ['a port out of range', 'http://host:99999'],
    ['a query', 'http://host/?a=b'],
    ['a fragment', 'http://host/#a'],
    ['credentials that are not percent-encoded', 'http://a%zz:b@host'],
  ])('refuses %s', (_reason, text) => {
    expect(() => parseHttpEndpoint(text)).toThrow(/^(must|is no valid URL)/)
  })
})

describe('parseDstackEndpoint', () => {
  it('takes unix:///path and unix:/path for the same socket', () => {
    const expected = { baseUrl: 'http://localhost', socketPath: '/run/vmm.sock' }
    expect(parseDstackEndpoint('unix:///run/vmm.sock')).toEqual(expected)
    expect(parseDstackEndpoint('unix:/run/vmm.sock')).toEqual(expected)
  })

  it('takes a URL with a path prefix', () => {
    expect(parseDstackEndpoint('https://host/vmm/')).toEqual({ baseUrl: 'https://host/vmm' })
  })

  it('allows 107 bytes for a socket path and refuses 108, in bytes and not characters', () => {
    const path = `/${'a'.repeat(106)}`
    expect(parseDstackEndpoint(`unix:${path}`).socketPath).toBe(path)
    expect(() => parseDstackEndpoint(`unix:${path}a`)).toThrow('108 bytes')
    expect(() => parseDstackEndpoint(`unix:/${'é'.repeat(54)}`)).toThrow('109 bytes')
  })

  it.each([
    ['a relative socket path', 'unix:./vmm.sock'],
    ['a socket path with a host', 'unix://host/vmm.sock'],
    ['no socket path', 'unix:'],
    ['the root as socket path', 'unix:///'],
    ['a bare path', '/run/vmm.sock'],
    ['a bare host', 'localhost:19060'],
  ])('refuses %s', (_reason, text) => {
    expect(() => parseDstackEndpoint(text)).toThrow(/^must /)
  })
})
