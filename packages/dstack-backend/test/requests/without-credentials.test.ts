import { describe, expect, it } from 'vitest'
import { withoutCredentials } from '../../src/requests/without-credentials.js'

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

describe('withoutCredentials', () => {
  it('blots what a Basic header holds, as it was sent and as it was written', () => {
    const header = basic('alice:s3cret')
    expect(withoutCredentials(`bad ${header} of alice:s3cret, s3cret`, header)).toBe(
      'bad Basic [secret] of [secret], [secret]',
    )
  })

  it('leaves the user alone, whose name is no secret, but where it stands in for the password', () => {
    expect(withoutCredentials('alice is not welcome', basic('alice:s3cret'))).toBe(
      'alice is not welcome',
    )
    expect(withoutCredentials('t0ken is not welcome', basic('t0ken:'))).toBe(
      '[secret] is not welcome',
    )
  })

  it('blots a token', () => {
    expect(withoutCredentials('no such token: t0ken', 'Bearer t0ken')).toBe(
      'no such token: [secret]',
    )
  })

  it('changes nothing where nothing was sent', () => {
    expect(withoutCredentials('Basic eDp5', undefined)).toBe('Basic eDp5')
  })
})
