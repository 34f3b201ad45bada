import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../src/admin/lint/finding.js'
import { lintList } from '../../../src/admin/lint/lint-list.js'
import { AllowlistFormatError } from '../../../src/list/allowlist-document.js'
import { parseAllowlist } from '../../../src/list/allowlist.js'
import { bytesOf } from '../../_bytes.js'
import { anyListFile, KEYS } from '../_document.js'

const NOW = 1_800_000_000
const [one, two, three] = [makeKey(), makeKey(), makeKey()]
const G = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'

function lint(content: string | object): Finding[] {
  const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2)
  return lintList(bytesOf(text), { nowSeconds: NOW }).findings
}

/** Whether the service takes it. */
function loads(text: string): boolean {
  try {
    parseAllowlist(bytesOf(text))
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(AllowlistFormatError)
    return false
  }
}

describe('lintList of entries', () => {
  it('finds nothing in a good list, whatever its spellings', () => {
    const pubkeys = [one.npub, two.hex.toUpperCase(), `nostr:${three.nprofile}`]
    const meta = { [one.hex]: { label: 'a', expires_at: NOW + 1 } }
    const banned = { [makeKey().hex]: { reason: 'b' } }
    expect(lint({ pubkeys, meta, banned, others: 1 })).toEqual([])
  })

  it.each([
    ['bad_checksum', one.npub.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'))],
    ['bad_length', one.hex.slice(1)],
    ['wrong_prefix', `note1${one.npub.slice(5)}`],
    ['unknown_form', 'hunter2'],
    ['not_ascii', 'hunter２'],
    ['empty', ' '],
    ['too_long', 'hunter2'.repeat(1000)],
  ])('explains an entry with %s', (code, entry) => {
    const [finding, ...others] = lint({ pubkeys: [one.npub, entry] })
    expect(others).toEqual([])
    expect(finding).toMatchObject({ code, isFatal: false, field: 'pubkeys', index: 1, line: 4 })
    expect(finding?.message).toMatch(/: mend it, or take it out$/)
    expect(finding?.message).not.toContain('hunter')
  })

  it('says of an entry that is no key what still matches it', () => {
    const findings = lint({ pubkeys: ['x', ' ', '', 'x'.repeat(5001)] })
    const spelledSo = /; it matches only a question to \/api\/whitelist spelled exactly so: /
    const expected = [spelledSo, spelledSo, /; nothing matches it: /, /; nothing matches it: /]
    expect(findings).toHaveLength(expected.length)
    for (const [index, message] of expected.entries()) {
      expect(findings[index]?.message).toMatch(message)
    }
  })

  it('names a secret key, and does not repeat it', () => {
    const findings = lint({ pubkeys: [one.nsec] })
    expect(findings).toMatchObject([{ code: 'secret_key', isFatal: true, index: 0, line: 3 }])
    expect(findings[0]?.message).toMatch(/SECRET key, .*treat it as leaked.*npub1… there instead$/)
    expect(JSON.stringify(findings)).not.toContain(one.nsec.slice(5))
  })

  it('explains entries that are no text', () => {
    const findings = lint({ pubkeys: [one.npub, 7, null, ['x']] })
    expect(findings).toMatchObject([
      { code: 'not_a_string', isFatal: true, index: 1, line: 4 },
      { code: 'not_a_string', isFatal: true, index: 2, line: 5 },
      { code: 'not_a_string', isFatal: true, index: 3, line: 6 },
    ])
    expect(lint({ pubkeys: [7] })[0]?.message).toMatch(
      /; put a key in quotes there, or take it out$/,
    )
  })

  it('explains duplicates by the first of them', () => {
    const pubkeys = [two.npub, one.npub, one.hex, one.npub]
    expect(lint({ pubkeys })).toEqual([
      {
        ...{ code: 'duplicate', isFatal: false, field: 'pubkeys', index: 2, line: 5 },
        pubkey: one.hex,
        message: 'the same key as entry 1 (line 4), in another spelling: keep one of them',
      },
      {
        ...{ code: 'duplicate', isFatal: false, field: 'pubkeys', index: 3, line: 6 },
        pubkey: one.hex,
        message: 'the same key as entry 1 (line 4): keep one of them',
      },
    ])
  })

  it('warns of keys that anybody has, or nobody', () => {
    const nobody = 'f'.repeat(64)
    expect(lint({ pubkeys: [G, nobody] })).toMatchObject([
      { code: 'known_key', index: 0, pubkey: G },
      { code: 'not_on_curve', index: 1, pubkey: nobody },
    ])
  })

  it.each([NOW, new Date(NOW * 1000).toISOString()])('tells what has expired at %s', (expiry) => {
    const meta = { [one.hex]: { expires_at: expiry } }
    expect(lint({ pubkeys: [one.npub], meta })).toMatchObject([
      {
        ...{ code: 'expired', isFatal: false, index: 0 },
        message: 'it expired at 2027-01-15T08:00:00Z: add it again, or remove it',
      },
    ])
  })

  it('tells what is listed and banned', () => {
    const banned = { [one.hex]: {} }
    expect(lint({ pubkeys: [two.hex, one.npub], banned })).toMatchObject([
      {
        ...{ code: 'listed_and_banned', isFatal: false, index: 1, line: 4 },
        message: 'it is banned, too (line 7), and that wins: remove it, or unban it',
      },
    ])
  })

  it('tells everything about a key at once', () => {
    const document = { pubkeys: [G], banned: { [G]: {} } }
    expect(lint(document).map(({ code }) => code)).toEqual(['known_key', 'listed_and_banned'])
  })

  it('tells how far it is', () => {
    const done: number[] = []
    const bytes = bytesOf(JSON.stringify({ pubkeys: Array.from({ length: 25_000 }, () => '') }))
    lintList(bytes, { nowSeconds: NOW, onProgress: (count) => done.push(count) })
    expect(done).toEqual([10_000, 20_000])
  })
})

describe('lintList of names', () => {
  it.each(['meta', 'banned'])('explains names in %s that are no keys', (field) => {
    const findings = lint({ pubkeys: [], [field]: { hunter2: {}, [one.nsec]: {} } })
    expect(findings).toMatchObject([
      { code: 'unknown_form', isFatal: true, field, line: 4 },
      { code: 'secret_key', isFatal: true, field, line: 5 },
    ])
    expect(JSON.stringify(findings)).not.toMatch(/hunter|nsec1/)
  })

  it.each(['meta', 'banned'])('wants the names in %s in lower-case hex', (field) => {
    const pubkeys = field === 'meta' ? [one.hex, two.hex] : []
    const names = { [one.npub]: {}, [two.hex.toUpperCase()]: {} }
    expect(lint({ pubkeys, [field]: names })).toMatchObject([
      { code: 'name_spelling', isFatal: false, field, pubkey: one.hex },
      { code: 'name_spelling', isFatal: false, field, pubkey: two.hex },
    ])
  })

  it('tells a key that is named twice', () => {
    expect(lint({ pubkeys: [], banned: { [one.hex]: {}, [one.npub]: {} } })).toMatchObject([
      { code: 'repeated_name', isFatal: true, line: 5, pubkey: one.hex },
    ])
    const text = `{"pubkeys": [], "banned": {"${one.hex}": {},\n"${one.hex}": {}}}`
    expect(lint(text)).toMatchObject([{ code: 'repeated_name', isFatal: true, line: 2 }])
  })

  it('tells a field that stands there twice', () => {
    const text = `{"pubkeys": ["${one.hex}"], "meta": {"${one.hex}": {"label": "", "label": ""}}}`
    expect(lint(text)).toMatchObject([{ code: 'repeated_name', isFatal: true, field: 'meta' }])
  })

  it('tells what is said about keys that are not listed', () => {
    const meta = { [one.hex]: {}, [two.hex]: {} }
    const findings = lint({ pubkeys: [], meta, banned: { [two.hex]: {} } })
    expect(findings).toMatchObject([
      { code: 'not_listed', field: 'meta', line: 4, pubkey: one.hex, isFatal: false },
      { code: 'not_listed', field: 'meta', line: 5, pubkey: two.hex, isFatal: false },
    ])
    expect(findings[0]?.message).toContain('is not on the list')
    expect(findings[1]?.message).toContain('is banned')
  })
})

describe('lintList of a file that is no list', () => {
  it.each([
    ['', /^the file is empty/],
    ['{"pubkeys": [', /^the file is not valid JSON: look at line 1/],
    ['[]', /^the file must hold a JSON object/],
    ['null', /^the file must hold a JSON object/],
    ['{}', /^"pubkeys" must be an array of strings/],
    ['{"pubkeys": {}}', /^"pubkeys" must be an array of strings/],
    ['{"pubkeys": [], "meta": []}', /^"meta" \(line 1\) must be an object/],
  ])('says where %j is wrong', (text, message) => {
    const findings = lint(text)
    expect(findings).toMatchObject([{ code: 'not_a_list', isFatal: true }])
    expect(findings[0]?.message).toMatch(message)
  })

  it('says that it is no UTF-8', () => {
    const { findings, entryCount } = lintList(Uint8Array.of(0xff), { nowSeconds: NOW })
    expect(findings).toMatchObject([{ code: 'not_a_list', isFatal: true }])
    expect(findings[0]?.message).toContain('UTF-8')
    expect(entryCount).toBe(0)
  })

  it('explains all fields that are wrong, and the entries as well', () => {
    const meta = {
      [one.hex]: { expires_at: 'soon' },
      [two.hex]: { label: one.nsec, reason: 7 },
      hunter2: { label: 8 },
    }
    const findings = lint({ pubkeys: [one.hex, two.hex, 'hunter2'], meta })
    expect(findings.map(({ code }) => code).sort()).toEqual(
      ['not_a_list', 'not_a_list', 'secret_key', 'unknown_form', 'unknown_form'].sort(),
    )
    expect(JSON.stringify(findings)).not.toMatch(/hunter|soon|nsec1/)
  })

  it('takes the last of two lists, as the service would', () => {
    const text = `{"pubkeys": ["x"],\n"pubkeys": [\n"${one.hex}", ""]}`
    expect(lint(text)).toMatchObject([
      { code: 'repeated_name', isFatal: true, field: 'pubkeys', line: 2 },
      { code: 'empty', index: 1, line: 3 },
    ])
  })
})

const nsecs = KEYS.map(({ nsec }) => nsec)
/** A list file, and now and then one with something cut out, put in or put twice. */
const anyText = fc
  .tuple(
    anyListFile,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(8),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '7', 'null', '\n', 'x', ...nsecs),
      ),
      { maxLength: 2 },
    ),
  )
  .map(([text, cuts]) =>
    cuts.reduce((result, [at, length, text]) => {
      const start = at % (result.length + 1)
      return result.slice(0, start) + text + result.slice(start + length)
    }, text),
  )

const anyName = fc.constantFrom(
  ...KEYS.flatMap(({ hex, npub, nsec }) => [hex, hex, hex.toUpperCase(), npub, nsec]),
  ...['', 'x', '__proto__', 'label', 'reason', 'expires_at', 'pubkeys', 'meta', 'banned'],
)
/** A value that may have a name twice, and whose names mean something now and then. */
const { value: anyValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'large' },
    anyName.map((name) => JSON.stringify(name)),
    fc.constantFrom('0', '1e99', 'null', '"2026-12-31T00:00:00Z"', '{}', '[]'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join()}]`),
    fc.array(fc.tuple(anyName, tie('value')), { maxLength: 3 }).map(writeObject),
  ),
}))
/** A file in which each field is of the wrong form about as often as of the right one. */
const oddText = fc
  .tuple(
    fc.array(
      anyName.map((name) => JSON.stringify(name)),
      { maxLength: 3 },
    ),
    fc.array(fc.tuple(anyName, anyValue), { maxLength: 3 }),
  )
  .map(([entries, fields]) => writeObject([['pubkeys', `[${entries.join()}]`], ...fields]))

function writeObject(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
}

describe('lintList of anything', () => {
  it('finds something fatal exactly where the service does not take the file', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, oddText), (text) => {
        expect(lint(text).some(({ isFatal }) => isFatal)).toBe(!loads(text))
      }),
      { numRuns: 400 },
    )
  })

  it('is never at a loss, and repeats no secret', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array(), anyText.map(bytesOf), oddText.map(bytesOf)),
        (bytes) => {
          const report = JSON.stringify(lintList(bytes, { nowSeconds: NOW }))
          for (const nsec of nsecs) expect(report).not.toContain(nsec.slice(5))
        },
      ),
    )
  })

  it('tells each entry that is no key, and each but the first that is', () => {
    fc.assert(
      fc.property(anyListFile, (text) => {
        const { pubkeys } = JSON.parse(text.replace(/^\ufeff/, '')) as { pubkeys: string[] }
        const keys = pubkeys.map((entry) => parsePubkey(entry))
        const valid = keys.flatMap((key) => (key.ok ? [key.pubkey] : []))
        const findings = lint(text).filter(({ field }) => field === 'pubkeys')
        const duplicates = findings.filter(({ code }) => code === 'duplicate')
        expect(duplicates).toHaveLength(valid.length - new Set(valid).size)
        const refused = findings.filter(({ pubkey }) => pubkey === undefined)
        expect(refused.map(({ index }) => index)).toEqual(
          [...keys.keys()].filter((index) => !keys[index]?.ok),
        )
      }),
    )
  })

  it('tells the line on which an entry stands', () => {
    fc.assert(
      fc.property(anyListFile, (text) => {
        const document: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
        const written = JSON.stringify(document, null, 1)
        const { pubkeys } = document as { pubkeys: string[] }
        for (const { index, line } of lint(written)) {
          if (index === undefined || line === undefined) continue
          const entry = written.split('\n')[line - 1]?.trim().replace(/,$/, '')
          expect(entry).toBe(JSON.stringify(pubkeys[index]))
        }
      }),
    )
  })
})
