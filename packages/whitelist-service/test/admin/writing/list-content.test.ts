import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ChangeError } from '../../../src/admin/change-error.js'
import {
  checkEdited,
  isUnchanged,
  readListContent,
} from '../../../src/admin/writing/list-content.js'
import { MAX_BYTES } from '../../../src/list/allowlist-reader.js'
import { parseAllowlist } from '../../../src/list/allowlist.js'
import { bytesOf } from '../../_bytes.js'
import { EMPTY, makeList, refusalOf } from '../_lists.js'

const KEY = 'a'.repeat(64)
const NOTHING = parseAllowlist(bytesOf(EMPTY))

describe('readListContent', () => {
  it('keeps the byte order mark in the text', async () => {
    const { path } = await makeList(`\ufeff${EMPTY}`)
    const { bytes, text, allowlist } = await readListContent(path)
    expect(text).toBe(`\ufeff${EMPTY}`)
    expect(Buffer.from(text)).toEqual(bytes)
    expect(allowlist.version).toBe(NOTHING.version)
  })

  it('refuses what has to be mended first', async () => {
    const { path } = await makeList('{"pubkeys": 1}')
    expect(await refusalOf(readListContent(path))).toBe(
      `file_invalid: ${path}: it has to be mended first: "pubkeys" must be an array of strings, ` +
        'like {"pubkeys": ["npub1…", …]}; nothing was changed',
    )
  })
})

describe('isUnchanged', () => {
  it('tells whether the file holds exactly that', async () => {
    const { path } = await makeList()
    expect(await isUnchanged(path, bytesOf(EMPTY))).toBe(true)
    await writeFile(path, ` ${EMPTY}`)
    expect(await isUnchanged(path, bytesOf(EMPTY))).toBe(false)
    expect(await isUnchanged(`${path}.missing`, bytesOf(EMPTY))).toBe(false)
  })
})

describe('checkEdited', () => {
  const allowed = `{"pubkeys": ["${KEY}"]}`

  it('takes what says what was meant', () => {
    const { bytes, version } = checkEdited('x', allowed, NOTHING, [
      { action: 'allow', pubkey: KEY },
    ])
    expect(Buffer.from(bytes).toString()).toBe(allowed)
    expect(version).toBe(parseAllowlist(bytes).version)
  })

  it('refuses anything else', () => {
    const edit = () => checkEdited('x', allowed, NOTHING, [{ action: 'ban', pubkey: KEY }])
    expect(edit).toThrow(ChangeError)
    expect(edit).toThrow(
      /not be what was asked for, .*: edit the file by hand; nothing was changed/,
    )
  })

  it('refuses what the service could not read any more', () => {
    const edit = () => checkEdited('x', ' '.repeat(MAX_BYTES + 1), NOTHING, [])
    expect(edit).toThrow(/^x: the list would be larger than 268435456 bytes; nothing was changed$/)
  })
})
