import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { doubtAbout } from '../../../src/admin/lint/key-doubt.js'
import { KNOWN_KEYS } from '../../../src/admin/lint/known-keys.js'

describe('doubtAbout', () => {
  it('has none about a key that somebody made', () => {
    for (let count = 0; count < 50; count += 1) expect(doubtAbout(makeKey().hex)).toBeUndefined()
  })

  it.each([...KNOWN_KEYS])('tells where the secret key of %s is published', (pubkey, source) => {
    expect(doubtAbout(pubkey)).toEqual({
      code: 'known_key',
      message: `its secret key is published (${source}), so anybody can use it: take it out`,
    })
  })

  it.each([
    // Test vectors 5 and 14 of BIP-340.
    'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30',
    '0'.repeat(64),
    'f'.repeat(64),
  ])('tells that %s is no point of the curve', (pubkey) => {
    expect(doubtAbout(pubkey)?.code).toBe('not_on_curve')
  })
})
