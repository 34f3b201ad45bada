import { describe, expect, it } from 'vitest'
import { describeNoAnswer } from '../../src/requests/no-answer.js'

describe('describeNoAnswer', () => {
  it('names the variable that holds the URL', () => {
    expect(describeNoAnswer('ECONNREFUSED', 'REGISTRY_URL')).toBe(
      'refused the connection: is it running, and is REGISTRY_URL right?',
    )
    expect(describeNoAnswer('ECONNREFUSED', 'WHITELIST_URL')).toMatch(/WHITELIST_URL/)
  })

  it.each([
    'ENOTFOUND',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'ECONNRESET',
    'UND_ERR_SOCKET',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    'HPE_INVALID_CONSTANT',
  ])('has a next step for %s', (code) => {
    expect(describeNoAnswer(code, 'REGISTRY_URL')).toMatch(/^[^:]+: .*[a-z]/)
    expect(describeNoAnswer(code, 'REGISTRY_URL')).not.toMatch(/VARIABLE/)
  })

  it('says at least that it failed for any other code', () => {
    expect(describeNoAnswer('EWHATEVER', 'REGISTRY_URL')).toBe('could not be reached')
    expect(describeNoAnswer('constructor', 'REGISTRY_URL')).toBe('could not be reached')
  })
})
