import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { bytesOf } from '../_bytes.js'
import { allowlistOf, anyKeys, anySpelling, NOW, type ListedKey } from '../_lists.js'

const key = makeKey()
const other = makeKey()

function versionOf(file: object): string {
  return parseAllowlist(bytesOf(JSON.stringify({ pubkeys: [], ...file }))).version
}

const LIST = {
  pubkeys: [key.hex, other.hex],
  meta: { [key.hex]: { expires_at: NOW } },
  banned: { ['c'.repeat(64)]: {} },
}

/** All that a verdict depends on, one text for each. */
function meaningOf(keys: readonly ListedKey[]): string {
  const facts = keys.map(({ hex, entries, banned, expiresAt }) =>
    banned ? `${hex} banned` : entries.length > 0 && `${hex} until ${expiresAt ?? 'ever'}`,
  )
  return facts.filter(Boolean).toSorted().join('\n')
}

describe('the version of a list', () => {
  it('has 16 hex digits', () => {
    expect(versionOf({})).toMatch(/^[0-9a-f]{16}$/)
    expect(versionOf(LIST)).toMatch(/^[0-9a-f]{16}$/)
  })

  it('is the same on every machine, and from one release to the next', () => {
    expect(versionOf({})).toBe('374708fff7719dd5')
    const pubkeys = ['a'.repeat(64), 'B'.repeat(64), 'Friend']
    const meta = { ['a'.repeat(64)]: { expires_at: '2026-12-01T00:00:00Z' } }
    expect(versionOf({ pubkeys, meta, banned: LIST.banned })).toBe('593454ccda2060f7')
  })

  it.each([
    ['in another order', { pubkeys: [other.hex, key.hex] }],
    ['in other spellings', { pubkeys: [key.npub, other.nprofile.toUpperCase()] }],
    ['more than once', { pubkeys: [key.hex, other.hex, key.npub, key.hex] }],
    ['with labels', { meta: { [key.hex]: { expires_at: NOW, label: 'Ann', reason: 'r' } } }],
    ['with the expiry as a text', { meta: { [key.npub]: { expires_at: '2027-01-15T08:00:00Z' } } }],
    ['with a reason for the ban', { banned: { ['C'.repeat(64)]: { reason: 'spam' } } }],
    ['with a banned key listed', { pubkeys: [...LIST.pubkeys, 'c'.repeat(64)] }],
    ['with fields of others', { comment: 'x' }],
    [
      'with the expiry of a key that is not listed',
      { meta: { ...LIST.meta, ['d'.repeat(64)]: { expires_at: 7 } } },
    ],
  ])('is the same for the same keys %s', (_, changes) => {
    expect(versionOf({ ...LIST, ...changes })).toBe(versionOf(LIST))
  })

  it('is the same without an expiry and with one of a key that is not listed', () => {
    const meta = { [other.hex]: { expires_at: 7 } }
    expect(versionOf({ pubkeys: [key.hex], meta })).toBe(versionOf({ pubkeys: [key.hex] }))
  })

  it.each([
    ['a key more', { pubkeys: [...LIST.pubkeys, 'd'.repeat(64)] }],
    ['a key less', { pubkeys: [key.hex] }],
    ['another key', { pubkeys: [key.hex, 'd'.repeat(64)] }],
    ['an entry that is no key', { pubkeys: [...LIST.pubkeys, 'Friend'] }],
    ['another expiry', { meta: { [key.hex]: { expires_at: NOW + 1 } } }],
    ['the expiry of another key', { meta: { [other.hex]: { expires_at: NOW } } }],
    ['no expiry', { meta: {} }],
    ['no ban', { banned: {} }],
    ['a ban more', { banned: { ...LIST.banned, ['d'.repeat(64)]: {} } }],
    ['a ban of a listed key', { banned: { ...LIST.banned, [other.hex]: {} } }],
  ])('is another one with %s', (_, changes) => {
    expect(versionOf({ ...LIST, ...changes })).not.toBe(versionOf(LIST))
  })

  it('tells entries that are no keys apart', () => {
    const versions = ['a', 'b', 'A', 'a ', '\u00e9', 'e\u0301', ''].map((entry) =>
      versionOf({ pubkeys: [entry] }),
    )
    expect(new Set(versions).size).toBe(versions.length)
  })

  it('is the same for any order, spelling and label, and for nothing else', () => {
    const respell = (keys: readonly ListedKey[]): fc.Arbitrary<ListedKey[]> =>
      fc.tuple(
        ...keys.map((listed) =>
          fc.record({
            ...constants(listed),
            entries:
              listed.entries.length === 0
                ? fc.constant<string[]>([])
                : fc.array(anySpelling(listed.hex), { minLength: 1, maxLength: 3 }),
            label: fc.option(fc.string({ maxLength: 9 }), { nil: undefined }),
          }),
        ),
      )
    const anyPair = anyKeys.chain((keys) =>
      fc.tuple(fc.constant(keys), fc.oneof(anyKeys, respell(keys))),
    )
    fc.assert(
      fc.property(anyPair, fc.array(fc.nat(), { minLength: 1 }), ([one, two], ranks) => {
        const same = allowlistOf(one).version === allowlistOf(two, ranks).version
        expect(same).toBe(meaningOf(one) === meaningOf(two))
      }),
      { numRuns: 300 },
    )
  })
})

function constants({ hex, expiresAt, banned }: ListedKey) {
  return { hex: fc.constant(hex), expiresAt: fc.constant(expiresAt), banned: fc.constant(banned) }
}
