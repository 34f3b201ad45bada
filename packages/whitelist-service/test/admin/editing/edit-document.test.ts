import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/admin/change.js'
import { applyChanges } from '../../../src/admin/editing/edit-document.js'
import { AllowlistFormatError } from '../../../src/list/allowlist-document.js'
import { parseAllowlist } from '../../../src/list/allowlist.js'
import { bytesOf } from '../../_bytes.js'
import { anyChanges, anyListFile, changeDocument, KEYS, NOW, type Document } from '../_document.js'

const AUTHOR = { by: 'tester', now: NOW }
const [a, b, c] = [makeKey(), makeKey(), makeKey()]

function edit(text: string, ...changes: Change[]): string {
  return applyChanges(text, changes, AUTHOR).text
}

const allow = (pubkey: string, more: object = {}): Change => ({ action: 'allow', pubkey, ...more })
const unallow = (pubkey: string, reason?: string): Change => ({ action: 'unallow', pubkey, reason })
const ban = (pubkey: string, reason?: string): Change => ({ action: 'ban', pubkey, reason })
const unban = (pubkey: string, reason?: string): Change => ({ action: 'unban', pubkey, reason })

const ADDED = '"added_at": "2026-06-01T12:00:00Z", "added_by": "tester"'
const BANNED = '"banned_at": "2026-06-01T12:00:00Z", "banned_by": "tester"'

describe('applyChanges, whatever the file looks like', () => {
  it('does what the changes say, and keeps order and spelling of all else', () => {
    fc.assert(
      fc.property(anyListFile, anyChanges, (text, changes) => {
        for (const change of changes) {
          const once = edit(text, change)
          expect(JSON.stringify(parse(once))).toBe(
            JSON.stringify(changeDocument(parse(text), [change], 'tester')),
          )
        }
        const all = edit(text, ...changes)
        expect(canonical(withoutEmpty(parse(all)))).toBe(
          canonical(withoutEmpty(changeDocument(parse(text), changes, 'tester'))),
        )
      }),
      { numRuns: 400 },
    )
  })

  it('makes a file that the service can load, and keeps its first and last characters', () => {
    fc.assert(
      fc.property(anyListFile, anyChanges, (text, changes) => {
        const edited = edit(text, ...changes)
        parseAllowlist(bytesOf(edited))
        expect(edited.startsWith('\ufeff')).toBe(text.startsWith('\ufeff'))
        expect(/\s*$/.exec(edited)?.[0]).toBe(/\s*$/.exec(text)?.[0])
      }),
    )
  })

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(anyListFile, anyChanges, (text, changes) => {
        for (const change of changes) {
          const once = edit(text, change)
          expect(applyChanges(once, [change], AUTHOR)).toEqual({ text: once, effects: [] })
        }
      }),
    )
  })

  it('tells an effect exactly where the text is another', () => {
    fc.assert(
      fc.property(anyListFile, anyChanges, (text, changes) => {
        for (const change of changes) {
          const { text: edited, effects } = applyChanges(text, [change], AUTHOR)
          expect(effects.length).toBe(edited === text ? 0 : 1)
        }
        const together = applyChanges(text, changes, AUTHOR)
        expect(together.effects.length > 0).toBe(together.text !== text)
      }),
    )
  })

  it('touches no character of what was there when it adds a key', () => {
    fc.assert(
      fc.property(anyListFile, (text) => {
        const { pubkeys, meta = {}, banned = {} } = parse(text)
        fc.pre(pubkeys.length > 0 && Object.keys(meta).length > 0)
        expect(edit(edit(text, allow(a.hex, { label: 'x' })), unallow(a.hex))).toBe(text)
        fc.pre(Object.keys(banned).length > 0)
        expect(edit(edit(text, ban(a.hex)), unban(a.hex))).toBe(text)
      }),
    )
  })

  it('adds no character when it removes a key', () => {
    fc.assert(
      fc.property(anyListFile, fc.constantFrom(...KEYS), (text, { hex }) => {
        let at = 0
        for (const character of edit(text, unallow(hex), unban(hex))) {
          at = text.indexOf(character, at) + 1
          expect(at).toBeGreaterThan(0)
        }
      }),
    )
  })
})

/** JSON with the names of all objects in order. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const entries = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join()}}`
}

/** A part of which all was removed again may stay or be missing. */
function withoutEmpty(document: Document): Document {
  const { meta, banned, ...others } = document
  const kept = Object.entries({ meta, banned }).filter(
    ([, part]) => Object.keys(part ?? {}).length > 0,
  )
  return { ...others, ...Object.fromEntries(kept) }
}

function parse(text: string): Document {
  return JSON.parse(text.replace(/^\ufeff/, '')) as Document
}

describe('applyChanges, where it adds', () => {
  it.each([
    ['on one line', `{"pubkeys": ["${a.hex}", "x"]}`, `{"pubkeys": ["${a.hex}", "x", "NEW"]}`],
    ['without blanks', `{"pubkeys":["x","y"]}`, `{"pubkeys":["x","y","NEW"]}`],
    ['after a single entry', `{"pubkeys": ["x"]}`, `{"pubkeys": ["x", "NEW"]}`],
    ['after a single one without blanks', `{"pubkeys":["x"]}`, `{"pubkeys":["x","NEW"]}`],
    ['into an empty list', `{"pubkeys": []}`, `{"pubkeys": ["NEW"]}`],
    ['into an empty list with a blank', `{"pubkeys": [ ]}`, `{"pubkeys": ["NEW"]}`],
    [
      'one per line',
      '{\n  "pubkeys": [\n    "x",\n    "y"\n  ]\n}\n',
      '{\n  "pubkeys": [\n    "x",\n    "y",\n    "NEW"\n  ]\n}\n',
    ],
    [
      'one per line after a single one',
      '{\n\t"pubkeys": [\n\t\t"x"\n\t]\n}',
      '{\n\t"pubkeys": [\n\t\t"x",\n\t\t"NEW"\n\t]\n}',
    ],
    [
      'with CRLF',
      '{\r\n  "pubkeys": [\r\n    "x"\r\n  ]\r\n}\r\n',
      '{\r\n  "pubkeys": [\r\n    "x",\r\n    "NEW"\r\n  ]\r\n}\r\n',
    ],
    [
      'with commas in front',
      '{"pubkeys": [\n  "x"\n, "y"\n]}',
      '{"pubkeys": [\n  "x"\n, "y"\n, "NEW"\n]}',
    ],
    [
      'into an empty list of a file of several lines',
      '{\n    "pubkeys": []\n}',
      '{\n    "pubkeys": [\n        "NEW"\n    ]\n}',
    ],
    ['into an empty list of two lines', '{"pubkeys": [\r\n]}', '{"pubkeys": [\r\n  "NEW"\r\n]}'],
  ])('sets the entry like those beside it: %s', (_, text, expected) => {
    const before = '"meta": {"' + c.hex + '": {}}, '
    const full = (of: string) => `{${before}${of.slice(1)}`
    const edited = edit(full(text), allow(b.hex, { spelling: b.npub }))
    expect(edited.replace(/(?:, |,)"[0-9a-f]{64}": ?\{"added_at[^}]*\}/, '')).toBe(
      full(expected).replace('NEW', b.npub),
    )
  })
})

describe('applyChanges, where it writes down what is said about a key', () => {
  const at = (text: string) => text.replaceAll('A', a.hex).replaceAll('B', b.hex)

  it('adds what is missing of the file on lines of their own, where it has lines', () => {
    const text = at('{\n  "pubkeys": [\n    "A"\n  ],\n  "version": 1.0\n}\n')
    expect(edit(text, allow(a.hex, { label: 'x' }), ban(b.hex, 'spam'))).toBe(
      at(
        '{\n  "pubkeys": [\n    "A"\n  ],\n  "version": 1.0,\n' +
          '  "meta": {\n    "A": {"label": "x"}\n  },\n' +
          `  "banned": {\n    "B": {"reason": "spam", ${BANNED}}\n  }\n}\n`,
      ),
    )
  })

  it('adds it on the one line that the file has', () => {
    expect(edit(at('{"pubkeys":["A"]}'), allow(a.hex, { label: 'x' }))).toBe(
      at('{"pubkeys":["A"],"meta":{"A":{"label":"x"}}}'),
    )
  })

  it('sets a new key like the one beside it', () => {
    const text = at(
      '{\n  "pubkeys": ["A", "B"],\n  "meta": {\n    "A": {\n      "label": "x"\n    }\n  }\n}',
    )
    expect(edit(text, allow(b.hex, { label: 'y', reason: 'z' }))).toBe(
      text.replace(
        'x"\n    }',
        `x"\n    },\n    "${b.hex}": {\n      "label": "y",\n      "reason": "z"\n    }`,
      ),
    )
  })

  it('changes a field where it stands, adds one behind the last, and keeps unknown ones', () => {
    const text = at(
      '{"pubkeys": ["A"], "meta": {"A": { "big": 12345678901234567890.10, "label": "x" , "n":1e400}}}',
    )
    expect(edit(text, allow(a.hex, { label: 'y', reason: 'z', expiresAt: 1_800_000_000 }))).toBe(
      text
        .replace('"x"', '"y"')
        .replace('1e400', '1e400 , "reason": "z" , "expires_at": "2027-01-15T08:00:00Z"'),
    )
  })

  it.each([
    ['in upper case', a.hex.toUpperCase()],
    ['as an npub', a.npub],
    ['with escapes', `\\u00${a.hex.charCodeAt(0).toString(16)}${a.hex.slice(1)}`],
  ])('knows a key that is spelled %s there', (_, name) => {
    const text = `{"pubkeys": ["${a.hex}"], "meta": {"${name}": {"label": "x"}}, "banned": {}}`
    expect(edit(text, allow(a.hex, { label: 'y' }))).toBe(text.replace('"x"', '"y"'))
    expect(edit(text, unallow(a.hex))).toBe('{"pubkeys": [], "meta": {}, "banned": {}}')
  })

  it('changes the last of several with the same name, which is the one that counts', () => {
    const text = at(
      '{"pubkeys": ["A"], "meta": {"A": {"label": "1"}, "A": {"label": "2", "label": "3"}}}',
    )
    expect(edit(text, allow(a.hex, { label: 'new' }))).toBe(text.replace('"3"', '"new"'))
    expect(edit(text, unallow(a.hex))).toBe('{"pubkeys": [], "meta": {}}')
  })
})

describe('applyChanges, where it removes', () => {
  const list = (...entries: string[]) => `{"pubkeys": [\n  ${entries.join(',\n  ')}\n]}`
  const [A, B, C] = [a, b, c].map(({ hex }) => `"${hex}"`) as [string, string, string]

  it.each([
    ['the first entry', list(A, B, C), list(B, C)],
    ['one in the middle', list(B, A, C), list(B, C)],
    ['the last entry', list(B, C, A), list(B, C)],
    ['two that are adjacent', list(B, A, A, C), list(B, C)],
    ['two at the end', list(B, C, A, A), list(B, C)],
    ['two at the start', list(A, A, B, C), list(B, C)],
    ['every second one', list(A, B, A, C, A), list(B, C)],
    ['every spelling', list(`"${a.npub}"`, B, `" nostr:${a.nprofile}"`, C), list(B, C)],
    ['the only entry', list(A), '{"pubkeys": []}'],
    ['all entries', list(A, A, A), '{"pubkeys": []}'],
  ])('removes %s', (_, text, expected) => {
    expect(edit(text, unallow(a.hex))).toBe(expected)
    expect(edit(text.replaceAll('\n', '\r\n'), unallow(a.hex))).toBe(
      expected.replaceAll('\n', '\r\n'),
    )
  })

  it('puts a new entry in the place of the only one', () => {
    expect(edit(list(A), unallow(a.hex), allow(b.hex))).toContain(`"pubkeys": [\n  ${B}\n]`)
  })
})

describe('applyChanges, what a change means', () => {
  const text = `{"pubkeys": ["${a.npub}"], "meta": {"${a.hex}": {"label": "x"}}}`
  const effectsOf = (of: string, ...changes: Change[]) => applyChanges(of, changes, AUTHOR).effects
  const banned = edit(text, ban(a.hex, 'spam'))
  const expiring = (expiry: string) => text.replace('"x"', `"x", "expires_at": ${expiry}`)

  it('lets a key in, and says since when and by whom', () => {
    expect(edit('{"pubkeys": []}', allow(a.hex, { spelling: a.npub, label: 'm' }))).toBe(
      `{"pubkeys": ["${a.npub}"], "meta": {"${a.hex}": {"label": "m", ${ADDED}}}}`,
    )
    expect(effectsOf('{"pubkeys": []}', allow(a.hex, { label: 'm', expiresAt: 5 }))).toEqual([
      { action: 'allow', pubkey: a.hex, deeds: ['added'], label: 'm', expiresAt: 5 },
    ])
  })

  it('lets a banned key in and lifts the ban', () => {
    const [effect] = effectsOf(banned, allow(a.hex))
    expect(effect?.deeds).toEqual(['unbanned', 'added'])
    expect(parse(edit(banned, allow(a.hex)))).toMatchObject({ pubkeys: [a.hex], banned: {} })
  })

  it('bans a key, and removes it and what was said about it', () => {
    expect(banned).toBe(
      `{"pubkeys": [], "meta": {}, "banned": {"${a.hex}": {"reason": "spam", ${BANNED}}}}`,
    )
    expect(effectsOf(text, ban(a.hex, 'spam'))).toEqual([
      { action: 'ban', pubkey: a.hex, deeds: ['banned', 'removed'], reason: 'spam' },
    ])
  })

  it('gives a ban another reason, and leaves the rest of it', () => {
    expect(edit(banned, ban(a.hex, 'worse'))).toBe(banned.replace('spam', 'worse'))
    expect(effectsOf(banned, ban(a.hex, 'worse'))[0]?.deeds).toEqual(['updated'])
  })

  it('lifts a ban and does not let the key in', () => {
    expect(edit(banned, unban(a.hex))).toBe('{"pubkeys": [], "meta": {}, "banned": {}}')
    expect(effectsOf(banned, unban(a.hex))[0]?.deeds).toEqual(['unbanned'])
  })

  it('removes a key and leaves a ban', () => {
    const both = banned.replace('[]', `["${a.hex}"]`)
    expect(edit(both, unallow(a.hex))).toBe(banned)
    expect(effectsOf(both, unallow(a.hex))[0]?.deeds).toEqual(['removed'])
  })

  it.each([
    ['removes a key', text, unallow],
    ['lifts a ban', banned, unban],
  ])('tells why it %s, and writes nothing of it into the file', (_, before, change) => {
    expect(effectsOf(before, change(a.hex, ' left\n '))).toMatchObject([{ reason: 'left' }])
    expect(effectsOf(before, change(a.hex, ''))[0]).not.toHaveProperty('reason')
    expect(edit(before, change(a.hex, 'left'))).toBe(edit(before, change(a.hex)))
  })

  it.each([
    ['lets in a listed key', text, allow(a.hex)],
    ['lets it in with an empty reason', text, allow(a.hex, { reason: ' ', label: '' })],
    ['removes a key that is not there', text, unallow(b.hex, 'left')],
    ['bans a banned key', banned, ban(a.hex)],
    ['bans it for the same reason', banned, ban(a.hex, 'spam')],
    ['lifts a ban that is not there', text, unban(a.hex, 'a mistake')],
    [
      'lets it in until the same moment',
      expiring('1800000000'),
      allow(a.hex, { expiresAt: 1_800_000_000 }),
    ],
    ['lets in one that expires later', expiring('"2026-06-01T12:00:01Z"'), allow(a.hex)],
  ])('does nothing where it %s', (_, before, change) => {
    expect(applyChanges(before, [change], AUTHOR)).toEqual({ text: before, effects: [] })
  })

  it('does nothing where changes undo each other', () => {
    const changes = [allow(b.hex), unallow(b.hex)]
    expect(applyChanges(text, changes, AUTHOR)).toEqual({ text, effects: [] })
  })

  it.each(['"2026-06-01T12:00:00Z"', '"2026-06-01T14:00:00+02:00"', '1780315200', '0'])(
    'drops an expiry that has passed: %s',
    (expiry) => {
      expect(edit(expiring(expiry), allow(a.hex))).toBe(text)
    },
  )

  it('sets a new expiry in the place of one that has passed', () => {
    expect(edit(expiring('0'), allow(a.hex, { expiresAt: 1_800_000_000 }))).toBe(
      expiring('"2027-01-15T08:00:00Z"'),
    )
  })

  it('keeps what is written on one line, bounded, and free of secrets', () => {
    const hidden = edit(
      '{"pubkeys": []}',
      allow(a.hex, { label: `a\u0000\r\nb\u202e${'x'.repeat(500)}` }),
    )
    expect(parse(hidden).meta?.[a.hex]?.['label']).toBe(`a b ${'x'.repeat(196)}`)
    const secret = edit('{"pubkeys": []}', ban(a.hex, `old key: ${a.nsec}`))
    expect(secret).not.toContain(a.nsec)
    parseAllowlist(bytesOf(hidden))
  })
})

describe('applyChanges, what it refuses', () => {
  it.each(['pubkeys', 'meta', 'banned'])('refuses a file in which "%s" stands twice', (name) => {
    const parts = { pubkeys: '"pubkeys": []', meta: '"meta": {}', banned: '"banned": {}' }
    const again = `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`
    const second = parts[name as keyof typeof parts].replace(`"${name}"`, again)
    const text = `{${Object.values(parts).join(',\n')},\n${second}}`
    const refusal = new AllowlistFormatError(
      `"${name}" (line 4) stands there twice: keep one of them`,
    )
    expect(() => edit(text, allow(a.hex))).toThrow(refusal)
  })

  it.each([
    ['a key in upper case', allow(a.hex.toUpperCase())],
    ['a key as npub', unban(a.npub)],
    ['the spelling of another key', allow(a.hex, { spelling: b.npub })],
    ['an expiry with a fraction', allow(a.hex, { expiresAt: 1.5 })],
    ['an expiry that is no number', allow(a.hex, { expiresAt: NaN })],
    ['an expiry before 1970', allow(a.hex, { expiresAt: -1 })],
    ['an expiry after 9999', allow(a.hex, { expiresAt: 253_402_300_800 })],
  ])('refuses %s, without repeating it', (_, change) => {
    expect(() => edit('{"pubkeys": []}', change)).toThrow(RangeError)
  })
})

describe('applyChanges, with a million entries', () => {
  it('changes a few', () => {
    const entries = Array.from({ length: 1_000_000 }, (_, at) => at.toString(16).padStart(64, '0'))
    const text = JSON.stringify({ pubkeys: entries })
    const edited = edit(text, allow(a.hex), ban(entries[500_000] ?? ''), unallow(entries[0] ?? ''))
    expect(parse(edited).pubkeys).toHaveLength(999_999)
    expect(edited.startsWith(`{"pubkeys":["${entries[1] ?? ''}","`)).toBe(true)
  })
})
