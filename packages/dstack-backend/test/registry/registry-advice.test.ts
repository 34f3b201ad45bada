import { describe, expect, it } from 'vitest'
import { adviseRegistry } from '../../src/registry/registry-advice.js'
import type { RegistryReply } from '../../src/registry/registry-client.js'

function answer(status: number, location?: string): RegistryReply {
  return { kind: 'answer', status, allowsAll: false, words: '', retryAfterMs: undefined, location }
}

describe('adviseRegistry', () => {
  it.each([
    ['ECONNREFUSED', /^Start the registry, or set REGISTRY_URL/],
    ['ENOTFOUND', /^Correct the name of the host in REGISTRY_URL/],
    ['EAI_AGAIN', /DNS/],
    ['ETIMEDOUT', /^See that the registry runs/],
    ['ECONNRESET', /^See that the registry runs/],
    ['CERT_HAS_EXPIRED', /NODE_EXTRA_CA_CERTS/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
  ])('says what to do after %s', (code, advice) => {
    expect(adviseRegistry({ kind: 'no_answer', code })).toMatch(advice)
  })

  it.each([
    [400, /OWNER_ADDRESS or NODE_TYPE/],
    [422, /OWNER_ADDRESS or NODE_TYPE/],
    [401, /^Ask the registry's operator to admit/],
    [403, /^Ask the registry's operator to admit/],
    [404, /^Set REGISTRY_URL/],
    [409, /^Ask the registry's operator why/],
    [429, /^Wait and try again/],
    [503, /^Wait and try again/],
    [200, /^Wait and try again/],
  ])('says what to do after an answer %i', (status, advice) => {
    expect(adviseRegistry(answer(status))).toMatch(advice)
  })

  it('says where a redirect points', () => {
    expect(adviseRegistry(answer(308, 'https://a.example'))).toBe(
      'Set REGISTRY_URL to where it points: https://a.example.',
    )
    expect(adviseRegistry(answer(302))).toBe('Set REGISTRY_URL to where it points.')
  })

  it('says it in one sentence, whatever the reply is', () => {
    for (let status = 100; status < 600; status += 1) {
      expect(adviseRegistry(answer(status))).toMatch(/^[A-Z][^\n]+\.$/)
    }
  })
})
