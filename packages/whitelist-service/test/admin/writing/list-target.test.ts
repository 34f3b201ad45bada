import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { inspectTarget } from '../../../src/admin/writing/list-target.js'
import { NO_LIST } from '../../../src/list/empty-list.js'
import { canMount, mountFile } from '@dstack-node/testbed/test-tools/mounts'
import { makeList, refusalOf } from '../_lists.js'

describe('inspectTarget', () => {
  it('takes an ordinary file', async () => {
    const { path } = await makeList()
    expect(await inspectTarget(path)).toMatchObject({ path, isMount: false })
  })

  it('goes through a folder that is a symbolic link', async () => {
    const { folder, path } = await makeList()
    const link = join(await temporaryFolder(), 'link')
    await symlink(folder, link)
    expect((await inspectTarget(join(link, 'whitelist.json'))).path).toBe(path)
  })

  it.skipIf(!canMount)('knows a mount of its own', async () => {
    const [inside, outside] = [await makeList(), await makeList()]
    mountFile(outside.path, inside.path)
    expect((await inspectTarget(inside.path)).isMount).toBe(true)
    expect((await inspectTarget(outside.path)).isMount).toBe(false)
  })

  it.skipIf(!canMount)('refuses a mounted file that was replaced where it comes from', async () => {
    const [inside, outside, edited] = [await makeList(), await makeList(), await makeList()]
    mountFile(outside.path, inside.path)
    await rename(edited.path, outside.path)
    expect(await refusalOf(inspectTarget(inside.path))).toMatch(
      /^replaced: .*it was replaced outside this container.*; nothing was changed$/,
    )
  })

  it('refuses a file that is not there', async () => {
    const { folder, path } = await makeList()
    await rm(path)
    for (const missing of [path, join(folder, 'missing', 'list')]) {
      expect(await refusalOf(inspectTarget(missing))).toBe(
        `file_missing: ${missing}: ${NO_LIST}; nothing was changed`,
      )
    }
  })

  it('refuses a symbolic link, as a ConfigMap has it', async () => {
    const { folder, path } = await makeList()
    await mkdir(join(folder, '..data'))
    await symlink(path, join(folder, 'link'))
    const link = join(folder, 'link')
    expect(await refusalOf(inspectTarget(link))).toBe(
      `symlink: ${link}: it is a symbolic link, as in a Kubernetes ConfigMap: change the list where ` +
        'it comes from; nothing was changed',
    )
  })

  it('refuses a link that leads nowhere', async () => {
    const link = join(await temporaryFolder(), 'link')
    await symlink('nowhere', link)
    expect(await refusalOf(inspectTarget(link))).toMatch(/^symlink: /)
  })

  it('refuses a directory', async () => {
    const folder = await temporaryFolder()
    expect(await refusalOf(inspectTarget(folder))).toBe(
      `not_a_file: ${folder}: it is a directory: remove it and put the file there; nothing was changed`,
    )
  })

  it('refuses what is no file', async () => {
    const path = join(await temporaryFolder(), 'fifo')
    execFileSync('mkfifo', [path])
    expect(await refusalOf(inspectTarget(path))).toBe(
      `not_a_file: ${path}: it is not a regular file; nothing was changed`,
    )
  })

  it('refuses a read-only file, even for root', async () => {
    const { path } = await makeList()
    await chmod(path, 0o444)
    expect(await refusalOf(inspectTarget(path))).toBe(
      `read_only: ${path}: it is read-only: chmod u+w it to allow changes; nothing was changed`,
    )
  })

  it.skipIf(!canMount)('refuses a file that is mounted read-only', async () => {
    const { path } = await makeList()
    mountFile(path, path, { readOnly: true })
    expect(await refusalOf(inspectTarget(path))).toBe(
      `read_only: ${path}: it is on a file system that is mounted read-only: mount it writable; ` +
        'nothing was changed',
    )
  })
})
