import fc from 'fast-check'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { AllowlistFormatError } from '../../src/list/allowlist-document.js'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { findKey } from '../../src/list/key-table.js'
import { textAt } from '../../src/list/text-column.js'
import { isListed } from '../../src/list/verdict.js'
import { bytesOf, listOf } from '../_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'

/** No key here expires. */
const NOW = () => 0

const key = makeKey()
const other = makeKey()
const spellings = [
  key.hex,
  key.hex.toUpperCase(),
  key.npub,
  key.npub.toUpperCase(),
  key.nprofile,
  `nostr:${key.npub}`,
  `NOSTR:${key.npub.toUpperCase()}`,
  ` ${key.npub}\n`,
]

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

describe('isListed', () => {
  it.each(spellings)('finds a key in every spelling where the file says %j', (entry) => {
    const allowlist = parseAllowlist(listOf([entry]))
    expect(spellings.map((query) => isListed(allowlist, query, NOW))).toEqual(
      spellings.map(() => true),
    )
    expect(isListed(allowlist, other.npub, NOW)).toBe(false)
    expect(isListed(allowlist, other.hex, NOW)).toBe(false)
  })

  it('finds nothing in an empty list', () => {
    const allowlist = parseAllowlist(listOf([]))
    for (const query of [...spellings, '', 'x', '0'.repeat(64)]) {
      expect(isListed(allowlist, query, NOW)).toBe(false)
    }
  })

  it('matches an entry that is no key only where it is spelled exactly so', () => {
    const allowlist = parseAllowlist(listOf(['Friend of mine', 'npub1broken', '']))
    expect(
      ['Friend of mine', 'npub1broken', ''].map((query) => isListed(allowlist, query, NOW)),
    ).toEqual([true, true, true])
    for (const query of ['friend of mine', 'Friend of mine ', 'NPUB1BROKEN', 'nostr:npub1broken']) {
      expect(isListed(allowlist, query, NOW)).toBe(false)
    }
  })

  it.each([0, 31, 33, 64])('takes an npub of %i bytes for no key', (length) => {
    const entry = nip19.encodeBytes('npub', new Uint8Array(length))
    const allowlist = parseAllowlist(listOf([entry]))
    expect(allowlist.keys.size).toBe(0)
    expect(isListed(allowlist, entry, NOW)).toBe(true)
    expect(isListed(allowlist, '', NOW)).toBe(false)
    expect(isListed(allowlist, '00'.repeat(length), NOW)).toBe(false)
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0'])(
    'takes the query %s for a key that is not listed',
    (query) => {
      expect(isListed(parseAllowlist(listOf([key.npub])), query, NOW)).toBe(false)
    },
  )

  it('never lists a secret key', () => {
    expect(isListed(parseAllowlist(listOf([key.npub])), key.nsec, NOW)).toBe(false)
  })

  it('answers any query', () => {
    const allowlist = parseAllowlist(listOf([key.npub]))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (query) => {
        expect(isListed(allowlist, query, NOW)).toBe(false)
      }),
    )
  })
})

describe('parseAllowlist', () => {
  it('counts a key once, in however many spellings it stands there', () => {
    const allowlist = parseAllowlist(listOf([...spellings, other.npub]))
    expect(allowlist.keys.size).toBe(2)
    expect(allowlist.entryCount).toBe(spellings.length + 1)
    expect(allowlist.otherIndexes).toEqual([])
  })

  it('tells the indexes of the entries that are no keys', () => {
    const allowlist = parseAllowlist(listOf(['x', key.npub, '', 'x', other.hex, 'z']))
    expect(allowlist.otherIndexes).toEqual([0, 2, 3, 5])
    expect([allowlist.otherEntries.size, allowlist.otherCount]).toEqual([3, 4])
    expect(['x', '', 'z'].every((entry) => isListed(allowlist, entry, NOW))).toBe(true)
  })

  it('keeps the spelling and the order of the file in the answer of /api/list', () => {
    const pubkeys = [other.npub, ...spellings, 'x', '\u00e9"\\', other.npub]
    const { listBody } = parseAllowlist(listOf(pubkeys))
    expect(textOf(listBody)).toBe(JSON.stringify({ pubkeys }))
  })

  it('keeps the fields beside pubkeys out of the answer of /api/list', () => {
    const { listBody } = parseAllowlist(bytesOf('{"admin": "hunter2", "pubkeys": ["a"]}'))
    expect(textOf(listBody)).toBe('{"pubkeys":["a"]}')
  })

  it('keeps banned keys out of the keys and out of the answer of /api/list', () => {
    const pubkeys = [key.npub, 'x', other.hex, key.hex.toUpperCase(), key.nprofile]
    const text = JSON.stringify({ pubkeys, banned: { [key.npub]: { reason: 'spam' } } })
    const { keys, banned, banReasons, entryCount, listBody } = parseAllowlist(bytesOf(text))
    expect([keys.size, banned.size, entryCount]).toEqual([1, 1, 5])
    expect(textOf(listBody)).toBe(JSON.stringify({ pubkeys: ['x', other.hex] }))
    expect(textAt(banReasons, findKey(banned, key.hex))).toBe('spam')
  })

  it('keeps what is said about its keys, and nothing about others', () => {
    const stranger = makeKey()
    const meta = {
      [other.hex]: { label: 'Bob', reason: 'friend' },
      [stranger.hex]: { label: 'Eve', expires_at: 7 },
      [key.npub]: { label: '', expires_at: 9 },
    }
    const text = JSON.stringify({ pubkeys: [key.hex, 'x', other.npub], meta })
    const { keys, labels, reasons, expiries } = parseAllowlist(bytesOf(text))
    const positions = [key, other].map(({ hex }) => findKey(keys, hex))
    expect(positions.map((position) => textAt(labels, position))).toEqual([undefined, 'Bob'])
    expect(positions.map((position) => textAt(reasons, position))).toEqual([undefined, 'friend'])
    expect(positions.map((position) => expiries[position])).toEqual([9, Infinity])
    expect(Buffer.from(labels.bytes).toString()).toBe('Bob')
  })

  it('takes no room for what is not said', () => {
    const meta = { [makeKey().hex]: { label: 'Eve', expires_at: 7 } }
    const text = JSON.stringify({ pubkeys: [key.hex], meta })
    const { labels, reasons, expiries } = parseAllowlist(bytesOf(text))
    expect([labels.bytes.length, reasons.offsets.length, expiries.length]).toEqual([0, 0, 0])
  })

  it('refuses more entries than can be put in order', () => {
    const entries = '"",'.repeat(2 ** 22)
    expect(() => parseAllowlist(bytesOf(`{"pubkeys": [${entries}""]}`))).toThrow(
      new AllowlistFormatError('"pubkeys" has more than 4194304 entries'),
    )
  })

  it.each([
    ['an nsec', key.nsec],
    ['an upper-case nsec', key.nsec.toUpperCase()],
    ['an nsec after nostr:', `nostr:${key.nsec}`],
    ['an nsec with a typo', `${key.nsec.slice(0, -1)}b`],
    ['an nsec with a zero-width character inside', key.nsec.replace('s', '\u200bs')],
    ['an nsec in a longer text', `my key is ${key.nsec}, keep it`],
    ['an nsec in a text that is far too long', key.nsec.padEnd(6000)],
    ['an ncryptsec', nip19.encodeBytes('ncryptsec', new Uint8Array(91))],
  ])('refuses %s, tells its place and never repeats it', (_, secret) => {
    const text = JSON.stringify({ pubkeys: [key.npub, 'x', secret] }, null, 2)
    const parse = () => parseAllowlist(bytesOf(text))
    expect(parse).toThrow(
      new AllowlistFormatError(
        'entry 2 (line 5) is a SECRET key: take it out, put its npub1… there instead, ' +
          'and treat the secret as leaked',
      ),
    )
  })

  it('refuses a secret key though the rest of the file is nested absurdly deep', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const parse = () => parseAllowlist(bytesOf(`{"pubkeys": ["${key.nsec}"], "x": ${deep}}`))
    expect(parse).toThrow(AllowlistFormatError)
  })

  it('can be cloned for another thread', () => {
    const allowlist = structuredClone(parseAllowlist(listOf([key.npub, 'x'])))
    expect(isListed(allowlist, key.hex, NOW)).toBe(true)
    expect(isListed(allowlist, 'x', NOW)).toBe(true)
    expect(isListed(allowlist, other.hex, NOW)).toBe(false)
    expect(textOf(allowlist.listBody)).toBe(JSON.stringify({ pubkeys: [key.npub, 'x'] }))
  })

  it('makes a list of any strings, or refuses a secret key among them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pubkeys) => {
        const allowlist = parseAllowlist(listOf(pubkeys))
        expect(allowlist.entryCount).toBe(pubkeys.length)
        expect(JSON.parse(textOf(allowlist.listBody))).toEqual({ pubkeys })
        expect(pubkeys.map((entry) => isListed(allowlist, entry, NOW))).toEqual(
          pubkeys.map(() => true),
        )
      }),
    )
  })

  it('makes a list of any bytes, or refuses them', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), (bytes) => {
        try {
          expect(parseAllowlist(bytes).entryCount).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toBeInstanceOf(AllowlistFormatError)
        }
      }),
    )
  })
})
