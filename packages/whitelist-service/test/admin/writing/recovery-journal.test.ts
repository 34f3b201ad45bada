import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  journalPath,
  readJournal,
  removeJournal,
  writeJournal,
} from '../../../src/admin/writing/recovery-journal.js'
import { bytesOf } from '../../_bytes.js'
import { makeList } from '../_lists.js'

const RECORD = { before: bytesOf('before'), after: bytesOf('after that') }

async function writtenJournal() {
  const list = await makeList()
  await chmod(list.path, 0o640)
  const path = journalPath(list.folder, list.path)
  await writeJournal(path, RECORD, await stat(list.path))
  return { list, path }
}

describe('journal', () => {
  it('holds both contents, and is as open to others as the list', async () => {
    const { list, path } = await writtenJournal()
    const record = await readJournal(path)
    expect(record).toEqual({ before: Buffer.from('before'), after: Buffer.from('after that') })
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    await removeJournal(path)
    expect(await readJournal(path)).toBeUndefined()
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('takes the place of one that was left', async () => {
    const { list, path } = await writtenJournal()
    await writeJournal(path, { ...RECORD, after: bytesOf('x') }, await stat(list.path))
    expect(await readJournal(path)).toMatchObject({ after: Buffer.from('x') })
  })

  it('is known to be torn wherever it was cut, and whatever was changed', async () => {
    const { path } = await writtenJournal()
    const whole = await readFile(path)
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length))
      expect(await readJournal(path)).toBe('torn')
      const changed = Buffer.from(whole)
      changed[length] = (changed[length] ?? 0) ^ 1
      await writeFile(path, changed)
      expect(await readJournal(path)).toBe('torn')
    }
  })

  it('has another name for each list, where it does not lie beside it', () => {
    expect(journalPath('/a', '/a/list')).toBe('/a/.list.journal')
    expect(journalPath('/x', '/a/list')).toMatch(/^\/x\/\.list\.[0-9a-f]{12}\.journal$/)
    expect(journalPath('/x', '/a/list')).not.toBe(journalPath('/x', '/b/list'))
  })
})
