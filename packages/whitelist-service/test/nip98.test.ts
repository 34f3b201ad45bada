import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { getToken } from 'nostr-tools/nip98'
import { finalizeEvent, generateSecretKey, getEventHash, getPublicKey } from 'nostr-tools/pure'
import { describe, expect, it, vi } from 'vitest'
import { readToken } from '../src/nip98-token.js'
import { rootUrlForms, verifyNip98, type Nip98Verdict, type SignedRequest } from '../src/nip98.js'
import { headerOf, NOW, pubkey, secretKey, sign, URL_OF_API } from './_nip98.js'

const NO_BODY = new Uint8Array()
const GET: SignedRequest = { urls: [URL_OF_API], method: 'GET', body: NO_BODY }
const BODY = Buffer.from('{"method":"supportedmethods","params":[]}')
const POST: SignedRequest = { ...GET, method: 'POST', body: BODY }

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const tagsFor = (method: string, ...more: string[][]) => [
  ['u', URL_OF_API],
  ['method', method],
  ...more,
]
/** A token for POST with those tags beside the two that it needs. */
const postToken = (...more: string[][]) => headerOf(sign({ tags: tagsFor('POST', ...more) }))

interface Circumstances {
  request?: SignedRequest
  nowSeconds?: number
  isAllowed?: (pubkey: string) => boolean
}

function verify(header: string | undefined, circumstances: Circumstances = {}): Nip98Verdict {
  const { request = GET, nowSeconds = NOW, isAllowed = (key) => key === pubkey } = circumstances
  return verifyNip98(header, request, { nowSeconds, isAllowed })
}

/** The code of a refusal, or the kind of any other verdict. */
function outcome(header: string | undefined, circumstances?: Circumstances): string {
  const verdict = verify(header, circumstances)
  return verdict.kind === 'invalid' ? verdict.code : verdict.kind
}

describe('the gate', () => {
  const stranger = generateSecretKey()

  it('is shut without a token', () => {
    expect(outcome(undefined)).toBe('token_missing')
    expect(outcome(undefined, { isAllowed: () => true })).toBe('token_missing')
  })

  it('is shut for a signer who is not allowed', () => {
    const event = sign({}, stranger)
    const token = { id: event.id, pubkey: getPublicKey(stranger), createdAt: NOW }
    expect(verify(headerOf(event))).toEqual({ kind: 'forbidden', token })
  })

  it('is open for a signer who is allowed', () => {
    const event = sign()
    const token = { id: event.id, pubkey, createdAt: NOW }
    expect(verify(headerOf(event))).toEqual({ kind: 'valid', token })
  })

  it('is shut for everybody when nobody is allowed', () => {
    expect(outcome(headerOf(sign()), { isAllowed: () => false })).toBe('forbidden')
  })

  it('does not tell who is allowed without a signature', () => {
    const forgery = (signer: string) => headerOf({ ...sign({}, stranger), pubkey: signer })
    for (const signer of [pubkey, getPublicKey(generateSecretKey())]) {
      expect(outcome(forgery(signer))).toBe('token_bad_signature')
    }
  })

  it('asks about a signer only after every cheap check', () => {
    const isAllowed = vi.fn(() => true)
    expect(outcome(headerOf(sign({ kind: 1 })), { isAllowed })).toBe('token_wrong_kind')
    expect(outcome(postToken(), { request: POST, isAllowed })).toBe('token_payload_missing')
    expect(isAllowed).not.toHaveBeenCalled()
    expect(outcome(headerOf(sign()), { isAllowed })).toBe('valid')
    expect(isAllowed).toHaveBeenCalledExactlyOnceWith(pubkey)
  })
})

describe('verifyNip98 accepts', () => {
  it('what nostr-tools sends', async () => {
    const signAtNow = (template: Parameters<typeof finalizeEvent>[0]) =>
      finalizeEvent({ ...template, created_at: NOW }, secretKey)
    expect(outcome(await getToken(URL_OF_API, 'GET', signAtNow, true))).toBe('valid')
    const payload = { method: 'supportedmethods', params: [] }
    const header = await getToken(URL_OF_API, 'POST', signAtNow, true, payload)
    expect(outcome(header, { request: POST })).toBe('valid')
  })

  it.each([-60, -1, 0, 1, 60])('a clock that is %i s ahead', (skew) => {
    expect(outcome(headerOf(sign({ created_at: NOW + skew })))).toBe('valid')
  })

  it('any one of several URLs', () => {
    const request = { ...GET, urls: ['https://a.example/', URL_OF_API] }
    expect(outcome(headerOf(sign()), { request })).toBe('valid')
  })

  it('the root with and without its slash', () => {
    const request = { ...GET, urls: rootUrlForms('https://list.example/') }
    for (const url of ['https://list.example', 'https://list.example/']) {
      const tags = [
        ['u', url],
        ['method', 'GET'],
      ]
      expect(outcome(headerOf(sign({ tags })), { request })).toBe('valid')
    }
  })

  it('the hash of the body', () => {
    expect(outcome(postToken(['payload', sha256(BODY)]), { request: POST })).toBe('valid')
  })

  it('no hash, and the right hash, where there is no body', () => {
    const request = { ...POST, body: NO_BODY }
    expect(outcome(postToken(), { request })).toBe('valid')
    expect(outcome(postToken(['payload', sha256(NO_BODY)]), { request })).toBe('valid')
  })

  it('any hash, and none, for a body that is kept by a proxy', () => {
    const request: SignedRequest = { ...POST, body: 'unseen' }
    expect(outcome(postToken(), { request })).toBe('valid')
    expect(outcome(postToken(['payload', 'anything']), { request })).toBe('valid')
  })

  it('other tags and content, in any order', () => {
    const tags = [['nonce', '1', '2'], ['method', 'GET'], ['U', 'x'], ['u', URL_OF_API], ['x']]
    expect(outcome(headerOf(sign({ tags, content: 'why' })))).toBe('valid')
  })
})

describe('verifyNip98 refuses', () => {
  it('what holds no event, with the code of the reader', () => {
    expect(outcome('Bearer abc')).toBe('token_wrong_scheme')
    expect(outcome(headerOf({}))).toBe('token_bad_event')
  })

  it.each([1, 22242, 24242, 27234])('an event of kind %i', (kind) => {
    expect(outcome(headerOf(sign({ kind })))).toBe('token_wrong_kind')
  })

  it.each([61, 3600])('a token that is %i s old', (age) => {
    expect(outcome(headerOf(sign({ created_at: NOW - age })))).toBe('token_expired')
  })

  it.each([61, 3600])('a token that is %i s ahead', (lead) => {
    expect(outcome(headerOf(sign({ created_at: NOW + lead })))).toBe('token_from_future')
  })

  it('an old token that names a later end of its own', () => {
    const tags = tagsFor('GET', ['expiration', String(NOW + 3600)])
    expect(outcome(headerOf(sign({ tags, created_at: NOW - 61 })))).toBe('token_expired')
  })

  it('every token when the time is not known', () => {
    expect(outcome(headerOf(sign()), { nowSeconds: Number.NaN })).toBe('token_expired')
  })

  const [u, method] = tagsFor('GET') as [string[], string[]]
  const payload = ['payload', sha256(NO_BODY)]
  it.each([
    ['no u', [method]],
    ['no method', [u]],
    ['two u', [u, u, method]],
    ['a second u that is another', [u, ['u', 'https://evil.example/'], method]],
    ['two methods', [u, method, ['method', 'POST']]],
    ['two payloads', [u, method, payload, payload]],
    ['a u without value', [['u'], method]],
    ['a method without value', [u, ['method']]],
    ['a payload without value', [u, method, ['payload']]],
    ['a u with a second value', [[...u, 'https://evil.example/'], method]],
    ['no tags', []],
  ])('a token with %s', (_, tags) => {
    expect(outcome(headerOf(sign({ tags })))).toBe('token_bad_tags')
  })

  it.each([
    ['host', 'https://other.example/api/check?pubkey=a%20b'],
    ['port', 'https://list.example:8443/api/check?pubkey=a%20b'],
    ['the default port spelled out', 'https://list.example:443/api/check?pubkey=a%20b'],
    ['scheme', 'http://list.example/api/check?pubkey=a%20b'],
    ['path', 'https://list.example/api/list?pubkey=a%20b'],
    ['a slash at the end', 'https://list.example/api/check/?pubkey=a%20b'],
    ['query', 'https://list.example/api/check?pubkey=c'],
    ['no query', 'https://list.example/api/check'],
    ['a query spelled in another way', 'https://list.example/api/check?pubkey=a+b'],
    ['a fragment', `${URL_OF_API}#x`],
    ['letter case', URL_OF_API.toUpperCase()],
    ['only the path', '/api/check?pubkey=a%20b'],
    ['nothing', ''],
  ])('a token for another URL: %s', (_, url) => {
    const tags = [['u', url], method]
    expect(outcome(headerOf(sign({ tags })))).toBe('token_wrong_url')
  })

  it('every token where no URL is known', () => {
    expect(outcome(headerOf(sign()), { request: { ...GET, urls: [] } })).toBe('token_wrong_url')
  })

  it.each(['POST', 'HEAD', 'get', 'Get', 'GET ', ''])('a token for the method %j', (other) => {
    expect(outcome(headerOf(sign({ tags: tagsFor(other) })))).toBe('token_wrong_method')
  })

  it('a method in lower case, even where the request has it so', () => {
    const request = { ...GET, method: 'get' }
    for (const spelled of ['get', 'GET']) {
      const header = headerOf(sign({ tags: tagsFor(spelled) }))
      expect(outcome(header, { request })).toBe('token_wrong_method')
    }
  })

  it('a token without the hash of the body, for any method', () => {
    expect(outcome(postToken(), { request: POST })).toBe('token_payload_missing')
    const request = { ...GET, body: BODY }
    expect(outcome(headerOf(sign()), { request })).toBe('token_payload_missing')
  })

  it.each([
    ['of another body', sha256(Buffer.from('{}'))],
    ['of the body in another spelling', sha256(Buffer.from(`${BODY.toString()} `))],
    ['of nothing', sha256(NO_BODY)],
    ['in upper case', sha256(BODY).toUpperCase()],
    ['in base64', createHash('sha256').update(BODY).digest('base64')],
    ['that is empty', ''],
  ])('a hash %s', (_, hash) => {
    expect(outcome(postToken(['payload', hash]), { request: POST })).toBe('token_wrong_payload')
  })

  it('the hash of a body where there is none', () => {
    const request = { ...POST, body: NO_BODY }
    expect(outcome(postToken(['payload', sha256(BODY)]), { request })).toBe('token_wrong_payload')
  })
})

describe('verifyNip98 refuses a signed token in which somebody changed', () => {
  const other = sign({ content: 'other' }, generateSecretKey())
  it.each([
    ['created_at', { created_at: NOW + 1 }],
    ['tags', { tags: [...tagsFor('GET'), ['x', 'y']] }],
    ['content', { content: 'x' }],
    ['pubkey', { pubkey: other.pubkey }],
    ['id', { id: other.id }],
    ['sig', { sig: other.sig }],
    ['sig to zeros', { sig: '0'.repeat(128) }],
    ['pubkey to one that is not on the curve', { pubkey: 'f'.repeat(64) }],
    ['id and sig to those of another event', { id: other.id, sig: other.sig }],
  ])('the %s', (_, change) => {
    const header = headerOf({ ...sign(), ...change })
    expect(outcome(header, { isAllowed: () => true })).toBe('token_bad_signature')
  })

  it('the content, with an id that fits it', () => {
    const changed = { ...sign(), content: 'x' }
    const header = headerOf({ ...changed, id: getEventHash(changed) })
    expect(outcome(header)).toBe('token_bad_signature')
  })
})

describe('the messages of verifyNip98', () => {
  it('repeat neither the token nor what was expected', () => {
    const nsec = 'nsec1secret'
    const headers = [
      nsec,
      `Nostr ${nsec}`,
      headerOf(nsec),
      headerOf({ ...sign(), content: nsec, sig: 'x' }),
      headerOf(
        sign({
          tags: [
            ['u', nsec],
            ['method', nsec],
          ],
        }),
      ),
      headerOf(sign({ tags: tagsFor(nsec) })),
      headerOf({ ...sign(), content: nsec }),
    ]
    for (const header of headers) {
      const verdict = verify(header)
      const message = verdict.kind === 'invalid' ? verdict.message : ''
      expect(message).not.toBe('')
      expect(message).not.toMatch(/nsec|list\.example|GET|\n/)
      expect(message.length).toBeLessThan(120)
    }
  })
})

describe('rootUrlForms', () => {
  it.each([
    ['https://a.example/', ['https://a.example/', 'https://a.example']],
    ['https://a.example', ['https://a.example/', 'https://a.example']],
    ['http://[::1]:80/', ['http://[::1]:80/', 'http://[::1]:80']],
    ['https://a.example/?b=/c?', ['https://a.example/?b=/c?', 'https://a.example?b=/c?']],
    ['https://a.example?', ['https://a.example/?', 'https://a.example?']],
  ])('has two forms of %s', (url, forms) => {
    expect(rootUrlForms(url)).toEqual(forms)
  })

  it.each([
    'https://a.example/b',
    'https://a.example/b/',
    'https://a.example//',
    'a.example/',
    '/',
    '',
  ])('leaves %j as it is', (url) => {
    expect(rootUrlForms(url)).toEqual([url])
  })
})

describe('any change', () => {
  const header = postToken(['payload', sha256(BODY)])
  const start = 'Nostr '.length
  const ALPHABETS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_'
  const character = fc.oneof(
    fc.constantFrom(...ALPHABETS.split('')),
    fc.string({ minLength: 1, maxLength: 1 }),
  )
  const isOpen = (changed: string, request = POST) =>
    outcome(changed, { request, isAllowed: () => true }) === 'valid'
  /** The other alphabet, or a blank in place of padding, spells the same event, which works once. */
  const isSame = (changed: string) =>
    JSON.stringify(readToken(changed)) === JSON.stringify(readToken(header))

  it('of one character in a valid token makes it invalid', () => {
    expect(isOpen(header)).toBe(true)
    fc.assert(
      fc.property(fc.integer({ min: start, max: header.length - 1 }), character, (at, put) => {
        const changed = header.slice(0, at) + put + header.slice(at + 1)
        fc.pre(!isSame(changed))
        expect(isOpen(changed)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('of the length of a valid token makes it invalid', () => {
    fc.assert(
      fc.property(fc.integer({ min: start, max: header.length - 1 }), character, (at, put) => {
        const rest = header.slice(at)
        for (const end of ['', put + rest, rest.slice(1)]) {
          const changed = header.slice(0, at) + end
          if (!isSame(changed)) expect(isOpen(changed)).toBe(false)
        }
      }),
    )
  })

  it('of the request makes a valid token invalid', () => {
    const changes = fc.oneof(
      fc.record({ urls: fc.array(fc.oneof(fc.webUrl(), fc.constant(`${URL_OF_API}&`))) }),
      fc.record({ method: fc.oneof(fc.string(), fc.constantFrom('GET', 'post', 'PUT')) }),
      fc.record({ body: fc.uint8Array() }),
      fc.nat(BODY.length - 1).map((at) => ({ body: Buffer.from(BODY).fill('~', at, at + 1) })),
    )
    fc.assert(
      fc.property(changes, (change) => {
        expect(isOpen(header, { ...POST, ...change })).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('of any header whatever ends in a refusal', () => {
    const signed = sign()
    const someEvent = fc.record({
      id: fc.constantFrom('0'.repeat(64), signed.id),
      pubkey: fc.constantFrom('f'.repeat(64), '0'.repeat(64), pubkey),
      created_at: fc.oneof(fc.constant(NOW), fc.double(), fc.maxSafeInteger()),
      kind: fc.oneof(fc.constant(27235), fc.integer()),
      tags: fc.oneof(fc.constant(signed.tags), fc.array(fc.array(fc.string())), fc.jsonValue()),
      content: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
      sig: fc.constantFrom('0'.repeat(128), 'f'.repeat(128), signed.sig),
    })
    const anyHeader = fc.oneof(
      fc.constant(undefined),
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `Nostr ${text}`),
      fc.jsonValue().map(headerOf),
      // Empty content is what was signed.
      someEvent.filter(({ content }) => content !== '').map(headerOf),
    )
    fc.assert(
      fc.property(anyHeader, (someHeader) => {
        const verdict = verify(someHeader, { isAllowed: () => true })
        expect(verdict.kind).toBe('invalid')
      }),
      { numRuns: 2000 },
    )
  })
})
