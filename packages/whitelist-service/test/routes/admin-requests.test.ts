import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { bodyOf, makeAdminServer, MEDIA_TYPE, post, tokenFor } from './_admin.js'

const key = makeKey()
const BODY = bodyOf('allowpubkey', [key.hex, ''])
const DONE = { result: true }

/** What comes of a token for `url` where the service is at `publicUrl`. */
async function outcome(publicUrl: string, url: string, target = '/'): Promise<string> {
  const server = await makeAdminServer({ publicUrl })
  const response = await post(server, BODY, { authorization: tokenFor(BODY, { url }), target })
  const { result, code } = response.json<{ result?: boolean; code?: string }>()
  return result === true ? 'done' : (code ?? '')
}

describe('the URL in a token', () => {
  it.each([
    ['https://list.example', 'https://list.example/'],
    ['https://list.example', 'https://list.example'],
    ['https://list.example/', 'https://list.example'],
    ['https://list.example:443/', 'https://list.example/'],
    ['http://127.0.0.1:8082', 'http://127.0.0.1:8082'],
    ['http://[::1]:8082', 'http://[::1]:8082/'],
    ['https://list.example/admin', 'https://list.example/admin'],
    ['https://list.example/admin', 'https://list.example/admin/'],
    ['https://list.example/admin/', 'https://list.example/admin'],
    ['https://list.example/admin/', 'https://list.example/admin/'],
  ])('of %s may be %s', async (publicUrl, url) => {
    expect(await outcome(publicUrl, url)).toBe('done')
  })

  it.each([
    ['https://list.example', 'https://list.example//'],
    ['https://list.example', 'http://list.example/'],
    ['https://list.example', 'https://list.example:8082/'],
    ['https://list.example', 'https://list.example/?'],
    ['https://list.example', 'https://LIST.example/'],
    ['https://list.example', 'https://list.example/admin'],
    ['https://list.example', 'wss://list.example/'],
    ['https://list.example', 'https://list.example.evil.example/'],
    ['https://list.example/admin', 'https://list.example/'],
    ['https://list.example/admin', 'https://list.example/admin//'],
    ['https://list.example/admin', 'https://list.example/administrator'],
    ['https://list.example/admin', 'https://list.example/Admin'],
  ])('of %s may not be %s', async (publicUrl, url) => {
    expect(await outcome(publicUrl, url)).toBe('token_wrong_url')
  })

  it.each([
    ['/?a=b', 'https://list.example/?a=b', 'done'],
    ['/?a=b', 'https://list.example?a=b', 'done'],
    ['/?a=%20b&c', 'https://list.example/?a=%20b&c', 'done'],
    ['/?a=b?c=d', 'https://list.example/?a=b?c=d', 'done'],
    ['/?a=b', 'https://list.example/', 'token_wrong_url'],
    ['/?a=b', 'https://list.example/?a=c', 'token_wrong_url'],
    ['/?a=%20b', 'https://list.example/?a=+b', 'token_wrong_url'],
    ['/', 'https://list.example/?a=b', 'token_wrong_url'],
  ])('has the query of %s: %s', async (target, url, expected) => {
    expect(await outcome('https://list.example', url, target)).toBe(expected)
  })
})

describe('the headers of a request', () => {
  it.each([
    MEDIA_TYPE,
    `${MEDIA_TYPE}; charset=utf-8`,
    `${MEDIA_TYPE};charset=UTF-8`,
    `${MEDIA_TYPE} ; charset="utf-8"; x=y`,
    'Application/Nostr+JSON+RPC',
  ])('may announce the body as %s', async (type) => {
    const server = await makeAdminServer()
    const response = await post(server, BODY, { headers: { 'content-type': type } })
    expect(response.json()).toEqual(DONE)
  })

  it.each([MEDIA_TYPE, 'application/nostr+json', 'text/html', '*/*', 'nonsense', ''])(
    'may accept %j, which changes nothing',
    async (accept) => {
      const server = await makeAdminServer()
      const response = await post(server, BODY, { headers: { accept } })
      expect(response.json()).toEqual(DONE)
      expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
    },
  )

  it.each([
    ['a scheme in lower case', (token: string) => token.replace('Nostr', 'nostr')],
    ['no padding', (token: string) => token.replace(/=+$/, '')],
    [
      'the alphabet of URLs',
      (token: string) => token.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    ],
  ])('may spell the token with %s', async (_, respell) => {
    const server = await makeAdminServer()
    const response = await post(server, BODY, { authorization: respell(tokenFor(BODY)) })
    expect(response.json()).toEqual(DONE)
  })
})

describe('the payload in a token', () => {
  it('is the hash of the bytes that came, not of what they mean', async () => {
    const server = await makeAdminServer()
    const spaced = JSON.stringify(JSON.parse(BODY), null, 2)
    const wrong = await post(server, spaced, { authorization: tokenFor(BODY) })
    expect(wrong.json()).toMatchObject({ code: 'token_wrong_payload' })
    expect((await post(server, spaced)).json()).toEqual(DONE)
  })

  it('fits bytes of any kind', async () => {
    const server = await makeAdminServer()
    const body = Buffer.from(`\ufeff${bodyOf('banpubkey', [key.hex, 'é\u{1f600}'])}`)
    expect((await post(server, body)).json()).toEqual(DONE)
  })
})
