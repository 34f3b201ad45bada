import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { isListed, judge, type Verdict } from '../../src/list/verdict.js'
import { bytesOf } from '../_bytes.js'
import { allowlistOf, anyKeys, anySpelling, isAllowed, NOW, type ListedKey } from '../_lists.js'

const key = makeKey()
const other = makeKey()
const MIDNIGHT = 1_796_083_200

function verdictOf(file: object, now = NOW): Verdict {
  const allowlist = parseAllowlist(bytesOf(JSON.stringify({ pubkeys: [], ...file })))
  return judge(allowlist, key.hex, () => now)
}

describe('judge', () => {
  it('lists a key that the file lists', () => {
    expect(verdictOf({ pubkeys: [key.npub] })).toEqual({ code: 'listed' })
  })

  it('does not list a key that the file does not list', () => {
    expect(verdictOf({ pubkeys: [other.npub] })).toEqual({ code: 'not_listed' })
    expect(verdictOf({ pubkeys: [] })).toEqual({ code: 'not_listed' })
  })

  it('does not list a key that the file only tells something about', () => {
    const meta = { [key.hex]: { label: 'Ann', expires_at: NOW + 1 } }
    expect(verdictOf({ meta })).toEqual({ code: 'not_listed' })
  })

  it('tells the label and the expiry of a key', () => {
    const meta = { [key.npub]: { label: 'Ann', expires_at: NOW + 1, reason: 'r' } }
    expect(verdictOf({ pubkeys: [key.hex], meta })).toEqual({
      code: 'listed',
      label: 'Ann',
      expiresAt: NOW + 1,
    })
  })

  it('takes an empty label for none', () => {
    const meta = { [key.hex]: { label: '' } }
    expect(verdictOf({ pubkeys: [key.hex], meta })).toEqual({ code: 'listed' })
  })

  it.each([
    [MIDNIGHT - 1, 'listed'],
    [MIDNIGHT, 'expired'],
    [MIDNIGHT + 1, 'expired'],
    [0, 'listed'],
    [4_000_000_000, 'expired'],
  ])('lets a key expire to the second: at %i it is %s', (now, code) => {
    for (const expiry of [MIDNIGHT, '2026-12-01T00:00:00Z', '2026-12-01T01:00:00+01:00']) {
      const meta = { [key.hex]: { expires_at: expiry } }
      expect(verdictOf({ pubkeys: [key.npub], meta }, now).code).toBe(code)
    }
  })

  it('says of an expired key who it was and since when', () => {
    const meta = { [key.hex]: { label: 'Ann', expires_at: NOW } }
    expect(verdictOf({ pubkeys: [key.hex], meta })).toEqual({
      code: 'expired',
      label: 'Ann',
      expiresAt: NOW,
    })
  })

  it.each([
    ['is listed', { pubkeys: [key.npub, key.hex] }],
    ['is listed for now', { pubkeys: [key.hex], meta: { [key.hex]: { expires_at: NOW + 9 } } }],
    ['has expired', { pubkeys: [key.hex], meta: { [key.hex]: { expires_at: NOW - 9 } } }],
    ['has a label', { pubkeys: [key.hex], meta: { [key.hex]: { label: 'Ann' } } }],
    ['is not listed', { pubkeys: [other.hex] }],
  ])('bans a key that %s', (_, file) => {
    for (const name of [key.hex, key.npub, key.nprofile, key.hex.toUpperCase()]) {
      expect(verdictOf({ ...file, banned: { [name]: {} } })).toEqual({ code: 'banned' })
    }
  })

  it('bans no other key', () => {
    const banned = { [other.hex]: {} }
    expect(verdictOf({ pubkeys: [key.hex, other.hex], banned })).toEqual({ code: 'listed' })
  })

  it('only looks at the time where a key does expire', () => {
    const meta = { [other.hex]: { expires_at: NOW }, [key.hex]: { label: 'Ann' } }
    const file = { pubkeys: [key.hex, other.hex], meta }
    const allowlist = parseAllowlist(bytesOf(JSON.stringify(file)))
    const never = () => {
      throw new Error('the time was asked for')
    }
    expect(judge(allowlist, key.hex, never).code).toBe('listed')
    expect(judge(allowlist, makeKey().hex, never).code).toBe('not_listed')
    expect(() => judge(allowlist, other.hex, never)).toThrow('the time was asked for')
  })

  it('says what a plain reading of the file says, in whatever order it stands there', () => {
    const anyRanks = fc.array(fc.nat(), { minLength: 1 })
    const anyTime = fc.integer({ min: NOW - 4, max: NOW + 4 })
    fc.assert(
      fc.property(anyKeys, anyRanks, anyTime, (keys, ranks, now) => {
        const allowlist = allowlistOf(keys, ranks)
        for (const listed of keys) {
          expect(judge(allowlist, listed.hex, () => now)).toEqual(plainVerdict(listed, now))
        }
      }),
    )
  })
})

describe('isListed', () => {
  it('agrees with the verdict in every spelling of every key', () => {
    const anyQuestion = anyKeys.chain((keys) =>
      fc.tuple(fc.constant(keys), fc.tuple(...keys.map(({ hex }) => anySpelling(hex)))),
    )
    fc.assert(
      fc.property(anyQuestion, ([keys, queries]) => {
        const allowlist = allowlistOf(keys)
        const answers = queries.map((query) => isListed(allowlist, query, () => NOW))
        expect(answers).toEqual(keys.map((listed) => isAllowed(listed, NOW)))
      }),
    )
  })

  it('tells halves of characters apart in what is no key', () => {
    const allowlist = parseAllowlist(bytesOf('{"pubkeys": ["\\ud83d", "\\ufffd!"]}'))
    const listed = (query: string) => isListed(allowlist, query, () => NOW)
    expect(['\ud83d', '\ufffd!'].map(listed)).toEqual([true, true])
    expect(['\ufffd', '\ud83e', '\ude00', '\ud83d!'].map(listed)).toEqual(Array(4).fill(false))
  })
})

function plainVerdict({ entries, banned, expiresAt, label }: ListedKey, now: number): Verdict {
  if (banned) return { code: 'banned' }
  if (entries.length === 0) return { code: 'not_listed' }
  return {
    code: expiresAt !== undefined && now >= expiresAt ? 'expired' : 'listed',
    ...(label !== undefined && { label }),
    ...(expiresAt !== undefined && { expiresAt }),
  }
}
