import { gunzipSync } from 'node:zlib'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { formatList, LIST_FORMATS, type ListFormat } from '../../src/list/list-format.js'
import { bytesOf, listOf } from '../_bytes.js'
import { allowlistOf, anyKeys, fileOf, isAllowed, NOW, type ListedKey } from '../_lists.js'

const key = makeKey()
const other = makeKey()

function textOf(file: Uint8Array, format: ListFormat, now = NOW): string {
  const bytes = formatList(parseAllowlist(file), { format, gzip: false, now })
  return Buffer.from(bytes).toString()
}

const anyTime = fc.integer({ min: NOW - 4, max: NOW + 4 })
const anyFile = fc.tuple(anyKeys, fc.array(fc.nat(), { minLength: 1 }))

/** The keys that are let in, sorted and each once. */
function allowedHex(keys: readonly ListedKey[], now: number): string[] {
  return keys
    .filter((listed) => isAllowed(listed, now))
    .map(({ hex }) => hex)
    .toSorted()
}

describe('formatList', () => {
  it('writes the keys that are let in as hex, sorted and each once', () => {
    fc.assert(
      fc.property(anyFile, anyTime, ([keys, ranks], now) => {
        const text = textOf(fileOf(keys, ranks), 'hex', now)
        expect(text).toBe(JSON.stringify({ pubkeys: allowedHex(keys, now) }))
      }),
    )
  })

  it('writes them as npubs in the same order', () => {
    fc.assert(
      fc.property(anyFile, anyTime, ([keys, ranks], now) => {
        const pubkeys = allowedHex(keys, now).map((hex) => nip19.npubEncode(hex))
        expect(textOf(fileOf(keys, ranks), 'npub', now)).toBe(JSON.stringify({ pubkeys }))
      }),
    )
  })

  it('writes them as plain text, one a line, each line ended', () => {
    fc.assert(
      fc.property(anyFile, anyTime, ([keys, ranks], now) => {
        const lines = allowedHex(keys, now).map((hex) => `${hex}\n`)
        expect(textOf(fileOf(keys, ranks), 'text', now)).toBe(lines.join(''))
      }),
    )
  })

  it('writes the entries as the file spells them and in its order, but for those not let in', () => {
    fc.assert(
      fc.property(anyFile, anyTime, ([keys, ranks], now) => {
        const file = fileOf(keys, ranks)
        const { pubkeys } = JSON.parse(Buffer.from(file).toString()) as { pubkeys: string[] }
        const allowed = keys.filter((listed) => isAllowed(listed, now))
        const entries = new Set(allowed.flatMap((listed) => listed.entries))
        const shown = pubkeys.filter((entry) => entries.has(entry))
        expect(textOf(file, 'file', now)).toBe(JSON.stringify({ pubkeys: shown }))
      }),
    )
  })

  it('keeps what is no key in the form of the file, and only there', () => {
    const file = listOf(['Friend', key.npub, '', 'Friend'])
    expect(textOf(file, 'file')).toBe(
      JSON.stringify({ pubkeys: ['Friend', key.npub, '', 'Friend'] }),
    )
    expect(textOf(file, 'hex')).toBe(JSON.stringify({ pubkeys: [key.hex] }))
    expect(textOf(file, 'text')).toBe(`${key.hex}\n`)
  })

  it('keeps what is no key though others expire', () => {
    const meta = { [key.hex]: { expires_at: NOW } }
    const file = bytesOf(JSON.stringify({ pubkeys: ['\u00e9', key.npub, '\ud83d'], meta }))
    expect(textOf(file, 'file')).toBe(JSON.stringify({ pubkeys: ['\u00e9', '\ud83d'] }))
  })

  it.each(LIST_FORMATS)('has a key to the second before its expiry, as %s', (format) => {
    const meta = { [key.hex]: { expires_at: NOW } }
    const file = bytesOf(JSON.stringify({ pubkeys: [key.hex, key.npub, other.hex], meta }))
    const found = [NOW - 1, NOW, NOW + 1].map((now) => {
      const text = textOf(file, format, now)
      return text.includes(key.hex) || text.includes(key.npub)
    })
    expect(found).toEqual([true, false, false])
  })

  it.each(LIST_FORMATS)('has a banned key in no spelling, as %s', (format) => {
    const pubkeys = [key.npub, key.hex.toUpperCase(), key.nprofile, other.hex]
    const file = bytesOf(JSON.stringify({ pubkeys, banned: { [key.npub]: {} } }))
    const text = textOf(file, format)
    for (const spelling of [...pubkeys.slice(0, 3), key.hex]) expect(text).not.toContain(spelling)
    expect(text).toMatch(format === 'npub' ? other.npub : other.hex)
  })

  it.each([
    ['file', '{"pubkeys":[]}'],
    ['hex', '{"pubkeys":[]}'],
    ['npub', '{"pubkeys":[]}'],
    ['text', ''],
  ] as const)('writes an empty list as %s', (format, text) => {
    expect(textOf(listOf([]), format)).toBe(text)
    const banned = bytesOf(JSON.stringify({ pubkeys: [key.hex], banned: { [key.hex]: {} } }))
    expect(textOf(banned, format)).toBe(text)
  })

  it('packs exactly what it would write else', () => {
    fc.assert(
      fc.property(anyKeys, fc.constantFrom(...LIST_FORMATS), (keys, format) => {
        const allowlist = allowlistOf(keys)
        const plain = formatList(allowlist, { format, gzip: false, now: NOW })
        const packed = formatList(allowlist, { format, gzip: true, now: NOW })
        expect(gunzipSync(packed).equals(plain)).toBe(true)
        // Without a time or a name in it, so that it is the same on all nodes.
        expect([...packed.subarray(0, 9)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0])
      }),
    )
  })

  it('writes the list of another thread', () => {
    const allowlist = structuredClone(parseAllowlist(listOf([key.npub, 'x'])))
    const texts = LIST_FORMATS.map((format) =>
      Buffer.from(formatList(allowlist, { format, gzip: false, now: NOW })).toString(),
    )
    expect(texts).toEqual([
      JSON.stringify({ pubkeys: [key.npub, 'x'] }),
      JSON.stringify({ pubkeys: [key.hex] }),
      JSON.stringify({ pubkeys: [key.npub] }),
      `${key.hex}\n`,
    ])
  })
})
