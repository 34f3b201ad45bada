import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adviseDstack } from '../../src/dstack/dstack-advice.js'
import type { DstackFailure, GpuReading } from '../../src/dstack/dstack-client.js'
import type { TokenProblem, TokenSource } from '../../src/dstack/dstack-token.js'
import { parseDstackEndpoint } from '../../src/requests/endpoint.js'

type Failed = GpuReading & { ok: false }

const LOCAL = 'http://localhost:19060'
const BRIDGE = 'http://host.docker.internal:9080'
const SOCKET = 'unix:///run/dstack/vmm.sock'
const KINDS: TokenSource['kind'][] = ['none', 'value', 'file']

function advise(failure: Omit<Failed, 'ok'>, url = LOCAL, kind: TokenSource['kind'] = 'none') {
  return adviseDstack({ ok: false, ...failure }, parseDstackEndpoint(url), kind)
}

describe('adviseDstack', () => {
  it('says nothing of a good reading', () => {
    const reading: GpuReading = { ok: true, gpus: [], allowAttachAll: true }
    expect(adviseDstack(reading, parseDstackEndpoint(LOCAL), 'none')).toBe('')
  })

  it.each([
    [LOCAL, 'ECONNREFUSED', /^Start the VMM, or correct the port in DSTACK_URL/],
    [BRIDGE, 'ECONNREFUSED', /^Start the VMM, .*bridge.*127\.0\.0\.1.*host's network.*localhost/],
    [SOCKET, 'ECONNREFUSED', /^Start the VMM: .*stale.*regular file.*mount its folder/],
    [SOCKET, 'ENOENT', /mount the folder of the socket, not the socket/],
    [SOCKET, 'EACCES', /^Give the user .* write permission on the socket/],
    [LOCAL, 'ENOTFOUND', /^Correct the host in DSTACK_URL.* does not resolve/],
    [LOCAL, 'EAI_AGAIN', /^Correct the host in DSTACK_URL.* does not resolve/],
    [BRIDGE, 'ENOTFOUND', /extra_hosts: host\.docker\.internal:host-gateway/],
    [LOCAL, 'EHOSTUNREACH', /network and its firewalls/],
    [LOCAL, 'ENETUNREACH', /network and its firewalls/],
    [LOCAL, 'EMFILE', /^Raise the limit of open files of this backend/],
    [SOCKET, 'ENFILE', /^Raise the limit of open files of this backend/],
    [LOCAL, 'ECONNRESET', /^Look at the VMM's log, .*\(ECONNRESET\)/],
    [LOCAL, 'CERT_HAS_EXPIRED', /certificate.*NODE_EXTRA_CA_CERTS/],
    [LOCAL, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /certificate.*NODE_EXTRA_CA_CERTS/],
    [LOCAL, 'ERR_SSL_WRONG_VERSION_NUMBER', /^Write http:\/\/ in DSTACK_URL/],
    [LOCAL, 'EPROTO', /^Write http:\/\/ in DSTACK_URL/],
  ])('knows what to do when connecting to %s ends in %s', (url, detail, expected) => {
    expect(advise({ failure: 'connect', detail }, url)).toMatch(expected)
  })

  it('points to lspci after a timeout', () => {
    const advice = advise({ failure: 'timeout', detail: 'ETIMEDOUT' })
    expect(advice).toMatch(/VMM's log.*`lspci -nn -vv` on its host/)
  })

  it.each<[TokenSource['kind'], RegExp]>([
    ['none', /^Set DSTACK_TOKEN or DSTACK_TOKEN_FILE .*\[auth\]/],
    ['value', /^Compare DSTACK_TOKEN with .*\[auth\].*refused/],
    ['file', /^Compare the file that DSTACK_TOKEN_FILE names with .*\[auth\].*refused/],
  ])('compares what was sent, %s, with what the VMM asks for', (kind, expected) => {
    const refused = { failure: 'auth', detail: 'status 401', status: 401 } as const
    expect(advise(refused, LOCAL, kind)).toMatch(expected)
  })

  it('knows of credentials in the URL, and does not repeat them', () => {
    const advice = advise(
      { failure: 'auth', detail: 'status 401', status: 401 },
      'http://admin:geheim@localhost:9080',
    )
    expect(advice).toMatch(/^Compare the credentials in DSTACK_URL/)
    expect(advice).not.toMatch(/admin|geheim/)
  })

  it.each<[TokenProblem, RegExp]>([
    ['missing', /does not exist/],
    ['unreadable', /^Let the user .* read the file/],
    ['not_a_file', /regular file/],
    ['too_large', /too large/],
    ['empty', /it is empty/],
    ['malformed', /visible ASCII/],
  ])('knows what to do about a token file that is %s', (tokenProblem, expected) => {
    const advice = advise({ failure: 'auth', detail: 'ENOENT', tokenProblem }, LOCAL, 'file')
    expect(advice).toMatch(expected)
    expect(advice).toContain('DSTACK_TOKEN_FILE')
  })

  it.each([
    [301, /redirects are not followed/],
    [308, /redirects are not followed/],
    [400, /^Look at the VMM's log/],
    [404, /no VMM .*8080/],
    [500, /fails on its side/],
    [502, /a proxy/],
    [204, /^Correct DSTACK_URL/],
    [418, /^Correct DSTACK_URL/],
  ])('knows what to do about status %i', (status, expected) => {
    expect(advise({ failure: 'http', detail: `status ${status}`, status })).toMatch(expected)
  })

  it('has pciutils installed where the VMM can not run lspci', () => {
    const words =
      'Failed to list GPU devices: Failed to run lspci: No such file or directory (os error 2)'
    const failed = { failure: 'http', detail: 'status 400', status: 400 } as const
    expect(advise({ ...failed, words })).toMatch(/^Install pciutils/)
    expect(advise({ ...failed, words: 'Service not found: ListGpus' })).not.toMatch(/pciutils/)
  })

  it.each<DstackFailure>(['invalid', 'too_large'])('says of %s that it is no VMM', (failure) => {
    const advice = advise({ failure, detail: 'the answer is no list of GPUs' })
    expect(advice).toMatch(/^Correct DSTACK_URL: .*8080 may be this backend itself/)
  })

  it('knows what to do where nobody speaks HTTP', () => {
    const advice = advise({ failure: 'invalid', detail: 'HPE_INVALID_CONSTANT' })
    expect(advice).toMatch(/does not speak HTTP.*https:/)
  })

  it('is one sentence for every failure, and repeats nothing that the VMM said', () => {
    const { nsec } = makeKey()
    const failed: fc.Arbitrary<Failed> = fc.record(
      {
        ok: fc.constant(false as const),
        failure: fc.constantFrom<DstackFailure>('timeout', 'auth', 'http', 'invalid', 'too_large'),
        detail: fc.constant(`status ${nsec}`),
        status: fc.integer({ min: 100, max: 999 }),
        words: fc.string().map((text) => text + nsec),
      },
      { requiredKeys: ['ok', 'failure', 'detail'] },
    )
    const urls = fc.constantFrom(LOCAL, BRIDGE, SOCKET)
    fc.assert(
      fc.property(failed, urls, fc.constantFrom(...KINDS), (reading, url, kind) => {
        const advice = adviseDstack(reading, parseDstackEndpoint(url), kind)
        expect(advice).toMatch(/^[A-Z][^\n]*[^.]\.$/)
        expect(advice).not.toContain(nsec)
      }),
    )
  })
})
