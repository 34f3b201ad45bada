import { describe, expect, it } from 'vitest'
import { parseAuthHost } from '../../src/auth/auth-hosts.js'
import { headerLinesOf, readForwardedRequest } from '../../src/auth/forwarded-request.js'

const HOSTS = ['https://media.example.com', 'files.example.com:8443', 'plain.example.com']
const NGINX = {
  'X-Forwarded-Method': 'PUT',
  'X-Forwarded-Host': 'media.example.com',
  'X-Forwarded-Uri': '/a%20b/c?x=1&y=%2F',
}

interface Asked {
  method?: string
  url?: string
  headers?: Record<string, string | readonly string[]>
  hosts?: readonly string[]
}

function read({ method = 'GET', url = '/auth', headers = {}, hosts = HOSTS }: Asked) {
  const raw = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [name, value]),
  )
  const request = { method, url, headers: headerLinesOf(raw) }
  return readForwardedRequest(request, hosts.map(parseAuthHost))
}

/** The URLs that a token may be for. */
function urlsOf(asked: Asked): readonly string[] | string {
  const result = read(asked)
  return typeof result === 'string' ? result : result.urls
}

const withHost = (host: string | readonly string[], more = {}): Asked => ({
  headers: { ...NGINX, 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/x', ...more },
})

describe('readForwardedRequest', () => {
  it('takes method, host and URI from the headers of the proxy', () => {
    expect(read({ headers: { Host: '127.0.0.1:8082', ...NGINX } })).toEqual({
      method: 'PUT',
      urls: ['https://media.example.com/a%20b/c?x=1&y=%2F'],
      body: 'unseen',
    })
  })

  it('takes them from the request itself where there is no such header', () => {
    const url = '/auth/a%20b/c?x=1&y=%2F'
    expect(read({ method: 'PUT', url, headers: { Host: 'media.example.com' } })).toEqual({
      method: 'PUT',
      urls: ['https://media.example.com/a%20b/c?x=1&y=%2F'],
      body: 'unseen',
    })
  })

  it('lets the root be spelled with and without its slash', () => {
    const root = (uri: string) => urlsOf({ headers: { ...NGINX, 'X-Forwarded-Uri': uri } })
    expect(root('/')).toEqual(['https://media.example.com/', 'https://media.example.com'])
    expect(root('/?a=1')).toEqual([
      'https://media.example.com/?a=1',
      'https://media.example.com?a=1',
    ])
    expect(urlsOf({ url: '/auth/', headers: { Host: 'media.example.com' } })).toEqual([
      'https://media.example.com/',
      'https://media.example.com',
    ])
  })

  it.each([
    '/a?',
    '/a?b',
    '/a?b=%zz',
    '/a//b/../c',
    '//evil.example/x',
    '/%2e%2e/?a=1,2;3',
    '/a#b',
  ])('keeps %s byte for byte', (uri) => {
    const url = `https://media.example.com${uri}`
    expect(urlsOf({ headers: { ...NGINX, 'X-Forwarded-Uri': uri } })).toEqual([url])
    expect(urlsOf({ url: `/auth${uri}`, headers: { Host: 'media.example.com' } })).toEqual([url])
  })

  it('does not know what is asked for at /auth alone', () => {
    for (const url of ['/auth', '/auth?x=/y', '/%61uth/x']) {
      expect(read({ url, headers: { Host: 'media.example.com' } })).toBe('request_unknown')
    }
  })
})

describe('a mixture of both is not believed:', () => {
  it.each(Object.keys(NGINX))('without %s', (name) => {
    const headers = Object.fromEntries(Object.entries(NGINX).filter(([other]) => other !== name))
    const asked = { url: '/auth/x', headers: { Host: 'media.example.com', ...headers } }
    expect(read(asked)).toBe('request_ambiguous')
  })

  it.each(Object.keys(NGINX))('with %s alone', (name) => {
    const headers = Object.fromEntries(Object.entries(NGINX).filter(([other]) => other === name))
    const asked = { url: '/auth/x', headers: { Host: 'media.example.com', ...headers } }
    expect(read(asked)).toBe('request_ambiguous')
  })
})

describe('what is not clear is not believed:', () => {
  it.each(Object.entries(NGINX))('%s twice', (name, value) => {
    expect(read({ headers: { ...NGINX, [name]: [value, value] } })).toBe('request_ambiguous')
  })

  it('Host twice', () => {
    const headers = { Host: ['media.example.com', 'media.example.com'] }
    expect(read({ url: '/auth/x', headers })).toBe('request_ambiguous')
    expect(read({ url: '/auth/x', headers: {} })).toBe('request_ambiguous')
  })

  it.each(['GET, PUT', 'get', 'G T', '', 'GET\t', '*'])('the method %j', (method) => {
    const headers = { ...NGINX, 'X-Forwarded-Method': method }
    expect(read({ headers })).toBe('request_ambiguous')
  })

  it.each([
    '',
    'x',
    '*',
    '/a, /b',
    '/a b',
    '/\u00e4',
    'https://media.example.com/x',
    'http://evil.example/',
    '?a=1',
  ])('the URI %j', (uri) => {
    expect(read({ headers: { ...NGINX, 'X-Forwarded-Uri': uri } })).toBe('request_ambiguous')
  })

  it.each([
    'media.example.com, media.example.com',
    'media.example.com,evil.example',
    'evil.example',
    'media.example.com.',
    'media.example.com@evil.example',
    'media.example.com/x',
    ' media.example.com',
    'media.example.com:8443',
    'files.example.com',
    'sub.media.example.com',
    '',
  ])('the host %j', (host) => {
    expect(read(withHost(host))).toBe('host_unknown')
    const asked = { url: '/auth/x', headers: { Host: host } }
    expect(read(asked)).toBe('host_unknown')
  })

  it('a Host that is fine beside an X-Forwarded-Host that is not', () => {
    expect(read(withHost('evil.example', { Host: 'media.example.com' }))).toBe('host_unknown')
  })
})

describe('hosts', () => {
  it('may be in upper case, since names have none', () => {
    expect(urlsOf(withHost('MEDIA.Example.COM'))).toEqual(['https://media.example.com/x'])
  })

  it('may name the port that goes without saying, and clients do not', () => {
    expect(urlsOf(withHost('media.example.com:443'))).toEqual(['https://media.example.com/x'])
    expect(urlsOf(withHost('media.example.com:80'))).toBe('host_unknown')
    const http = { 'X-Forwarded-Proto': 'http' }
    expect(urlsOf(withHost('plain.example.com:80', http))).toEqual(['http://plain.example.com/x'])
    expect(urlsOf(withHost('plain.example.com:443', http))).toBe('host_unknown')
  })

  it('keep any other port', () => {
    expect(urlsOf(withHost('files.example.com:8443'))).toEqual(['https://files.example.com:8443/x'])
  })

  it('that are configured with both protocols work with both', () => {
    const hosts = ['http://media.example.com', 'https://media.example.com']
    expect(urlsOf({ ...withHost('media.example.com'), hosts })).toEqual([
      'http://media.example.com/x',
      'https://media.example.com/x',
    ])
  })
})

describe('the protocol', () => {
  const proto = (value: string | readonly string[]) => ({ 'X-Forwarded-Proto': value })

  it('is the configured one, whatever the proxy says', () => {
    for (const value of ['http', 'https', 'wss', ['http', 'https']]) {
      const asked = withHost('media.example.com', proto(value))
      expect(urlsOf(asked)).toEqual(['https://media.example.com/x'])
    }
  })

  it('is else what the proxy says, and https where it does not', () => {
    const plain = 'plain.example.com'
    expect(urlsOf(withHost(plain, proto('http')))).toEqual([`http://${plain}/x`])
    expect(urlsOf(withHost(plain, proto('https')))).toEqual([`https://${plain}/x`])
    expect(urlsOf(withHost(plain))).toEqual([`https://${plain}/x`])
  })

  it.each([['ftp'], ['https,http'], ['HTTPS'], [''], ['http\u0000'], [['http', 'https']]])(
    'is not believed when it is %j',
    (value) => {
      expect(urlsOf(withHost('plain.example.com', proto(value)))).toBe('host_unknown')
    },
  )
})
