import { getPublicKey } from 'nostr-tools'
import { privateKeyFromSeedWords } from 'nostr-tools/nip06'
import { describe, expect, it } from 'vitest'
import { KNOWN_KEYS } from '../../../src/admin/lint/known-keys.js'

/** The secret keys as they are published, each with where. */
const PUBLISHED: [string, string][] = [
  ['secret key 1', '1'.padStart(64, '0')],
  ['secret key 2', '2'.padStart(64, '0')],
  // Also test vector 0 of BIP-340.
  ['secret key 3', '3'.padStart(64, '0')],
  ['the examples of NIP-19', '67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa'],
  ['the test data of NIP-49', '3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683'],
  ['the author in NIP-59', '0beebd062ec8735f4243466049d7747ef5d6594ee838de147f8aab842b15e273'],
  ['the recipient in NIP-59', 'e108399bd8424357a710b606ae0c13166d853d327e47a6e5e038197346bdbf45'],
  ['the wrapper in NIP-59', '4f02eac59266002db5801adc5270700ca69d5b8f761d8732fab2fbf233c90cbd'],
  ['test vector 1 of BIP-340', 'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef'],
  ['test vector 2 of BIP-340', 'c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9'],
  ['test vector 3 of BIP-340', '0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710'],
  ['test vector 15 of BIP-340', '0340034003400340034003400340034003400340034003400340034003400340'],
]
const MNEMONICS: [string, string][] = [
  [
    'test vector 1 of NIP-06',
    'leader monkey parrot ring guide accident before fence cannon height naive bean',
  ],
  [
    'test vector 2 of NIP-06',
    'what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude strong choose busy staff weather area salt hollow arm fade',
  ],
]

describe('KNOWN_KEYS', () => {
  it.each(PUBLISHED)('holds the key of %s', (source, secret) => {
    expect(KNOWN_KEYS.get(getPublicKey(Buffer.from(secret, 'hex')))).toBe(source)
  })

  it.each(MNEMONICS)('holds the key of %s', (source, words) => {
    expect(KNOWN_KEYS.get(getPublicKey(privateKeyFromSeedWords(words)))).toBe(source)
  })

  it('holds no other key', () => {
    const sources = [...PUBLISHED, ...MNEMONICS].map(([source]) => source)
    expect([...KNOWN_KEYS.values()].sort()).toEqual(sources.sort())
  })
})
