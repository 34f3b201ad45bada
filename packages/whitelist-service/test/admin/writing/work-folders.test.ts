import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { findLockBase, journalFolders } from '../../../src/admin/writing/work-folders.js'
import { refusalOf } from '../_lists.js'

async function folders() {
  const folder = await temporaryFolder()
  const [lists, audits] = [join(folder, 'lists'), join(folder, 'audits')]
  await mkdir(lists)
  await mkdir(audits)
  return { folder, lists, audits, path: join(lists, 'list'), auditFile: join(audits, 'log') }
}

describe('journalFolders', () => {
  it('puts the journal beside the list, or else beside the audit log', async () => {
    const { lists, audits, path, auditFile } = await folders()
    expect(await journalFolders({ path, isMount: false }, auditFile)).toEqual([lists, audits])
  })

  it('turns that round for a list that is mounted: what is around it goes with the container', async () => {
    const { lists, audits, path, auditFile } = await folders()
    expect(await journalFolders({ path, isMount: true }, auditFile)).toEqual([audits, lists])
  })

  it('knows that both are one folder, through a link too', async () => {
    const { folder, lists, path } = await folders()
    await symlink(lists, join(folder, 'link'))
    for (const auditFile of [join(lists, 'log'), join(folder, 'link', 'log')]) {
      expect(await journalFolders({ path, isMount: true }, auditFile)).toEqual([lists])
    }
  })
})

describe('findLockBase', () => {
  it('names the lock after the list, whatever the audit log is', async () => {
    const { path, auditFile } = await folders()
    expect(await findLockBase({ path, isMount: false }, auditFile)).toBe(path)
    expect(await findLockBase({ path, isMount: false }, '/missing/log')).toBe(path)
  })

  it('puts it beside the audit log for a list that is mounted, where that works', async () => {
    const { audits, path, auditFile } = await folders()
    expect(await findLockBase({ path, isMount: true }, auditFile)).toBe(join(audits, 'list'))
    expect(await findLockBase({ path, isMount: true }, '/missing/log')).toBe(path)
  })

  it('refuses where no folder works', async () => {
    const target = { path: '/missing/list', isMount: true }
    expect(await refusalOf(findLockBase(target, '/missing/log'))).toMatch(/^no_journal: /)
  })
})
