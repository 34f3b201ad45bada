import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recoverAllowlist } from '../../../src/admin/writing/recover-allowlist.js'
import { journalPath, writeJournal } from '../../../src/admin/writing/recovery-journal.js'
import { bytesOf } from '../../_bytes.js'
import { EMPTY, makeList, refusalOf } from '../_lists.js'

const NEW = `{"pubkeys": ["${'a'.repeat(64)}"]}\n`

async function interrupted() {
  const list = await makeList()
  const record = { before: bytesOf(EMPTY), after: bytesOf(NEW) }
  await writeJournal(journalPath(list.folder, list.path), record, await stat(list.path))
  await writeFile(list.path, NEW.slice(0, 40))
  return list
}

describe('recoverAllowlist', () => {
  it('completes what was interrupted, and leaves nothing else', async () => {
    const list = await interrupted()
    expect(await recoverAllowlist(list)).toBe(true)
    expect(await list.text()).toBe(NEW)
    expect(await list.names()).toEqual(['whitelist.json'])
    expect(await recoverAllowlist(list)).toBe(false)
  })

  it('does so once, however many start at the same time', async () => {
    const list = await interrupted()
    const done = await Promise.all(Array.from({ length: 5 }, () => recoverAllowlist(list)))
    expect(done.filter(Boolean)).toHaveLength(1)
    expect(await list.text()).toBe(NEW)
  })

  it('only looks where nothing was interrupted', async () => {
    const list = await makeList()
    await writeFile(`${list.path}.lock`, 'held by another')
    expect(await recoverAllowlist(list, { lock: { waitMs: 0 } })).toBe(false)
    await rm(list.path)
    expect(await recoverAllowlist(list)).toBe(false)
    const path = join(list.folder, 'missing', 'list')
    expect(await recoverAllowlist({ path, auditFile: path })).toBe(false)
  })

  it('finds the journal beside the audit log', async () => {
    const list = await makeList()
    const folder = join(list.folder, 'audit')
    await mkdir(folder)
    const record = { before: bytesOf(EMPTY), after: bytesOf(NEW) }
    await writeJournal(journalPath(folder, list.path), record, await stat(list.path))
    await writeFile(list.path, NEW.slice(0, 40))
    expect(await recoverAllowlist({ ...list, auditFile: join(folder, 'audit.jsonl') })).toBe(true)
    expect(await list.text()).toBe(NEW)
  })

  it('says so where it can not', async () => {
    const list = await interrupted()
    await writeFile(`${list.path}.lock`, 'held by another')
    expect(await refusalOf(recoverAllowlist(list, { lock: { waitMs: 0 } }))).toMatch(/^locked: /)
  })
})
