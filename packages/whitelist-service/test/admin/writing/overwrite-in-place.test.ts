import { chmod, lstat, mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  overwriteInPlace,
  recoverInterruptedWrite,
} from '../../../src/admin/writing/overwrite-in-place.js'
import { journalPath, writeJournal } from '../../../src/admin/writing/recovery-journal.js'
import { bytesOf } from '../../_bytes.js'
import { canMount, mountFile, mountSmallDisk } from '@dstack-node/testbed/test-tools/mounts'
import { makeList, refusalOf, withoutRoot, type TestList } from '../_lists.js'

const OLD = 'the old content'
const NEW = 'the new content, which is longer'

interface Options {
  content?: string
  folders?: readonly string[]
  beforeCommit?: () => Promise<void>
}

async function overwrite(list: TestList, options: Options = {}): Promise<void> {
  const { content = NEW, folders = [list.folder], beforeCommit = async () => undefined } = options
  await overwriteInPlace({
    path: list.path,
    content: bytesOf(content),
    before: bytesOf(await list.text()),
    stats: await lstat(list.path),
    journalFolders: folders,
    beforeCommit,
  })
}

describe('overwriteInPlace', () => {
  it.each([NEW, 'short', ''])('writes into the same file: %j', async (content) => {
    const list = await makeList(OLD)
    const { ino } = await stat(list.path)
    await overwrite(list, { content })
    expect(await list.text()).toBe(content)
    expect((await stat(list.path)).ino).toBe(ino)
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('has a journal before anything counts', async () => {
    const list = await makeList(OLD)
    await overwrite(list, {
      beforeCommit: async () => {
        expect(await list.names()).toEqual(['.whitelist.json.journal', 'whitelist.json'])
        expect(await list.text()).toBe(OLD)
      },
    })
  })

  it('changes nothing and leaves nothing where the commit is called off', async () => {
    const list = await makeList(OLD)
    const callOff = () => Promise.reject(new Error('called off'))
    await expect(overwrite(list, { beforeCommit: callOff })).rejects.toThrow('called off')
    expect(await list.text()).toBe(OLD)
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('tells why it was called off where the journal can not be removed either', async () => {
    const list = await makeList(OLD)
    const beforeCommit = async () => {
      const journal = journalPath(list.folder, list.path)
      await rm(journal)
      await mkdir(journal)
      throw new Error('called off')
    }
    await expect(overwrite(list, { beforeCommit })).rejects.toThrow('called off')
    expect(await list.text()).toBe(OLD)
  })

  it('takes the first folder that a journal can be written to', async () => {
    const list = await makeList(OLD)
    const closed = await temporaryFolder()
    await chmod(closed, 0o555)
    const open = await temporaryFolder()
    await chmod(open, 0o777)
    await chmod(list.path, 0o666)
    const folders = [join(list.folder, 'missing'), closed, open]
    await withoutRoot(() =>
      overwrite(list, {
        folders,
        beforeCommit: async () => {
          const [journal] = await Promise.all([
            stat(journalPath(dirname(list.path), list.path)).catch(() => 'none'),
          ])
          expect(journal).toBe('none')
        },
      }),
    )
    expect(await list.text()).toBe(NEW)
  })

  it('refuses where no folder can hold a journal', async () => {
    const list = await makeList(OLD)
    const folders = [join(list.folder, 'missing')]
    expect(await refusalOf(overwrite(list, { folders }))).toBe(
      `no_journal: ${list.path}: it is mounted as a single file, and to change one safely takes a ` +
        'folder for a journal, but neither its own folder nor that of the audit log can be written: ' +
        'set AUDIT_FILE to a file in one that can; nothing was changed',
    )
    expect(await list.text()).toBe(OLD)
  })

  it.skipIf(!canMount)('refuses where the disk is too full for a journal', async () => {
    const list = await makeList(OLD, await mountSmallDisk(8))
    await writeFile(join(list.folder, 'filler'), Buffer.alloc(4096))
    await expect(overwrite(list)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await list.text()).toBe(OLD)
    expect(await list.names()).toEqual(['filler', 'whitelist.json'])
  })

  it.skipIf(!canMount)('puts the old content back where the disk is full halfway', async () => {
    const disk = await mountSmallDisk(8)
    const old = 'x'.repeat(4000)
    await writeFile(join(disk, 'list'), old)
    await writeFile(join(disk, 'filler'), Buffer.alloc(4096))
    const list = await makeList(old)
    mountFile(join(disk, 'list'), list.path)
    const content = 'y'.repeat(4097)
    await expect(overwrite(list, { content })).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await list.text()).toBe(old)
    expect(await list.names()).toEqual(['whitelist.json'])
  })
})

describe('recoverInterruptedWrite', () => {
  async function interrupted(content: string | Uint8Array, before = OLD, after = NEW) {
    const list = await makeList(before)
    const journal = journalPath(list.folder, list.path)
    const record = { before: bytesOf(before), after: bytesOf(after) }
    await writeJournal(journal, record, await stat(list.path))
    await writeFile(list.path, content)
    return list
  }

  it('completes whatever was written, at whatever moment it stopped', async () => {
    const texts = fc.string({ maxLength: 30, unit: fc.constantFrom('a', 'b', 'é') })
    await fc.assert(
      fc.asyncProperty(texts, texts, fc.nat(60), async (before, after, at) => {
        const [old, next] = [Buffer.from(before), Buffer.from(after)]
        const written = Math.min(at, next.length)
        const content = Buffer.concat([next.subarray(0, written), old.subarray(written)])
        const list = await interrupted(content, before, after)
        const wrote = await recoverInterruptedWrite(list.path, [list.folder])
        const text = await list.text()
        // Where nothing was written yet, nothing counts yet.
        expect(text).toBe(Buffer.compare(content, old) === 0 ? before : after)
        expect(wrote).toBe(text !== content.toString())
        expect(await list.names()).toEqual(['whitelist.json'])
      }),
      { numRuns: 40 },
    )
  })

  it('leaves what somebody wrote since', async () => {
    const list = await interrupted('a later edit')
    expect(await recoverInterruptedWrite(list.path, [list.folder])).toBe(false)
    expect(await list.text()).toBe('a later edit')
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('leaves a file that is gone', async () => {
    const list = await interrupted('')
    await rm(list.path)
    expect(await recoverInterruptedWrite(list.path, [list.folder])).toBe(false)
    expect(await list.names()).toEqual([])
  })

  it('throws away a journal that was never finished', async () => {
    const list = await makeList(OLD)
    await writeFile(journalPath(list.folder, list.path), 'half a jour')
    expect(await recoverInterruptedWrite(list.path, [list.folder])).toBe(false)
    expect(await list.text()).toBe(OLD)
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('does nothing where nothing was interrupted', async () => {
    const list = await makeList(OLD)
    expect(await recoverInterruptedWrite(list.path, [list.folder, '/missing'])).toBe(false)
    expect(await list.text()).toBe(OLD)
  })

  it('finds the journal in any of the folders', async () => {
    const list = await makeList('the new')
    const audit = join(list.folder, 'audit')
    await mkdir(audit)
    const record = { before: bytesOf(OLD), after: bytesOf(NEW) }
    await writeJournal(journalPath(audit, list.path), record, await stat(list.path))
    const file = await open(list.path, 'w')
    await file.write('the new content')
    await file.close()
    expect(await recoverInterruptedWrite(list.path, [list.folder, audit])).toBe(true)
    expect(await list.text()).toBe(NEW)
  })
})
