import { chmod, chown, lstat, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceFile } from '../../../src/admin/writing/replace-file.js'
import { bytesOf } from '../../_bytes.js'
import { canMount, mountSmallDisk } from '@dstack-node/testbed/test-tools/mounts'
import { makeList, withoutRoot, type TestList } from '../_lists.js'

const NEW = bytesOf('{"pubkeys": ["new"]}')
const isRoot = process.geteuid?.() === 0

async function replace(list: TestList, beforeCommit: () => Promise<void> = async () => undefined) {
  const stats = await lstat(list.path)
  await replaceFile({ path: list.path, content: NEW, stats, beforeCommit })
}

describe('replaceFile', () => {
  it('puts a new file in the place of the old one, and leaves nothing else', async () => {
    const list = await makeList('old')
    const { ino } = await stat(list.path)
    await replace(list, async () => {
      expect(await list.text()).toBe('old')
    })
    expect(await list.text()).toBe(Buffer.from(NEW).toString())
    expect((await stat(list.path)).ino).not.toBe(ino)
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it.each([0o600, 0o640, 0o666, 0o777])(
    'keeps the mode %o, whatever the umask is',
    async (mode) => {
      const list = await makeList()
      await chmod(list.path, mode)
      const umask = process.umask(0o077)
      try {
        await replace(list)
      } finally {
        process.umask(umask)
      }
      expect((await stat(list.path)).mode & 0o7777).toBe(mode)
    },
  )

  it.skipIf(!isRoot)('keeps the owner and the group', async () => {
    const list = await makeList()
    await chown(list.path, 12_345, 23_456)
    await chmod(list.path, 0o640)
    await replace(list)
    expect(await stat(list.path)).toMatchObject({ uid: 12_345, gid: 23_456 })
    expect((await stat(list.path)).mode & 0o777).toBe(0o640)
  })

  it.skipIf(!isRoot)('does without the owner where it may not keep it', async () => {
    const list = await makeList()
    await chmod(list.folder, 0o777)
    await withoutRoot(() => replace(list))
    expect(await stat(list.path)).toMatchObject({ uid: 65_534 })
    expect(await list.text()).toBe(Buffer.from(NEW).toString())
  })

  it('changes nothing and leaves nothing where the commit is called off', async () => {
    const list = await makeList('old')
    const callOff = () => Promise.reject(new Error('called off'))
    await expect(replace(list, callOff)).rejects.toThrow('called off')
    expect(await list.text()).toBe('old')
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('removes what other writers have not finished, so that they never can', async () => {
    const list = await makeList('old')
    const slow = replace(list, async () => {
      await replaceFile({
        path: list.path,
        content: bytesOf('quick'),
        stats: await lstat(list.path),
        beforeCommit: async () => undefined,
      })
    })
    await expect(slow).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await list.text()).toBe('quick')
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('leaves the files of others', async () => {
    const list = await makeList()
    const names = ['.whitelist.json.new.swp', '.whitelist.json.swp', 'whitelist.json.new.1.tmp']
    for (const name of names) await writeFile(join(list.folder, name), '')
    await replace(list)
    expect(await list.names()).toEqual([...names, 'whitelist.json'].sort())
  })

  it.skipIf(!canMount)('changes nothing and leaves nothing where the disk is full', async () => {
    const list = await makeList('old', await mountSmallDisk(8))
    await writeFile(join(list.folder, 'filler'), Buffer.alloc(4096))
    await expect(replace(list)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await list.text()).toBe('old')
    expect(await readdir(list.folder)).toEqual(expect.arrayContaining(['filler', 'whitelist.json']))
    expect(await readdir(list.folder)).toHaveLength(2)
  })
})
