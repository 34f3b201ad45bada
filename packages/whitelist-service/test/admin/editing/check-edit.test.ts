import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/admin/change.js'
import { isAsMeant } from '../../../src/admin/editing/check-edit.js'
import { applyChanges } from '../../../src/admin/editing/edit-document.js'
import { parseAllowlist, type Allowlist } from '../../../src/list/allowlist.js'
import { bytesOf } from '../../_bytes.js'
import { anyChanges, anyListFile, NOW } from '../_document.js'

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)]

function listOf(pubkeys: readonly string[], banned: readonly string[] = []): Allowlist {
  const bans = Object.fromEntries(banned.map((key) => [key, {}]))
  return parseAllowlist(bytesOf(JSON.stringify({ pubkeys, banned: bans })))
}

describe('isAsMeant', () => {
  it('is content with every edit', () => {
    fc.assert(
      fc.property(anyListFile, anyChanges, (text, changes) => {
        const edited = applyChanges(text, changes, { by: 'tester', now: NOW })
        const [before, after] = [text, edited.text].map((of) => parseAllowlist(bytesOf(of)))
        expect(before && after && isAsMeant(before, after, changes)).toBe(true)
      }),
    )
  })

  it.each<[string, Change['action'], Allowlist]>([
    ['is not let in', 'allow', listOf([B])],
    ['is let in and banned', 'allow', listOf([A, B], [A])],
    ['is still let in', 'unallow', listOf([A, B])],
    ['is not banned', 'ban', listOf([B])],
    ['is still banned', 'unban', listOf([B], [A])],
  ])('finds that the key %s', (_, action, after) => {
    const before = listOf([A, B], action === 'unban' ? [A] : [])
    expect(isAsMeant(before, after, [{ action, pubkey: A }])).toBe(false)
  })

  it.each([
    ['key', listOf([])],
    ['ban', listOf([B], [B])],
    ['entry', listOf([B, 'x'])],
  ])('finds that another %s was touched', (_, after) => {
    expect(isAsMeant(listOf([A, B]), after, [{ action: 'unallow', pubkey: A }])).toBe(false)
  })
})
