import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { withFileLock } from '../../../src/admin/writing/file-lock.js'
import { removeLock, sightLock, touchLock } from '../../../src/admin/writing/lock-file.js'
import { createOwner, parseOwner } from '../../../src/admin/writing/lock-owner.js'
import { refusalOf } from '../_lists.js'

/** For tests in which nobody may be taken for dead because of the time. */
const PATIENT = { staleMs: 1e9, pollMs: 1 }

async function lockable(): Promise<{ folder: string; path: string; lock: string }> {
  const folder = await temporaryFolder()
  const path = join(folder, 'list')
  return { folder, path, lock: `${path}.lock` }
}

async function foreignOwner(more: object = {}): Promise<string> {
  return JSON.stringify({ ...(await createOwner()), host: 'other', place: 'other', ...more })
}

describe('withFileLock', () => {
  it('holds a lock file that says who holds it, and removes it', async () => {
    const { folder, path, lock } = await lockable()
    const result = await withFileLock(path, async ({ assertHeld }) => {
      await assertHeld()
      expect(await readdir(folder)).toEqual(['list.lock'])
      expect(parseOwner(await readFile(lock, 'utf8'))?.pid).toBe(process.pid)
      return 'done'
    })
    expect(result).toBe('done')
    expect(await readdir(folder)).toEqual([])
  })

  it('removes it when the task fails', async () => {
    const { folder, path } = await lockable()
    const failing = withFileLock(path, () => Promise.reject(new Error('failed')))
    await expect(failing).rejects.toThrow('failed')
    expect(await readdir(folder)).toEqual([])
  })

  it('runs the tasks of this process one after the other, in their order', async () => {
    const { path } = await lockable()
    const log: number[] = []
    const task = (number: number) => async () => {
      log.push(number)
      await new Promise(setImmediate)
      log.push(number)
    }
    await Promise.all([1, 2, 3].map((number) => withFileLock(path, task(number))))
    expect(log).toEqual([1, 1, 2, 2, 3, 3])
  })

  it.skipIf(process.platform !== 'linux').each([
    ['has ended', async () => ({ ...(await createOwner()), pid: spawnSync('true').pid })],
    ['gave its number to another', async () => ({ ...(await createOwner()), began: '1' })],
  ])('takes over at once from a process that %s', async (_, owner) => {
    const { path, lock } = await lockable()
    await writeFile(lock, JSON.stringify(await owner()))
    expect(await withFileLock(path, async () => 'mine', PATIENT)).toBe('mine')
  })

  it.each([
    ['an owner elsewhere', foreignOwner],
    ['nobody that is known', async () => '{"pid":'],
    ['nobody', async () => ''],
  ])('takes over from %s that gives no sign of life', async (_, content) => {
    const { path, lock } = await lockable()
    await writeFile(lock, await content())
    const patience = { staleMs: 20, pollMs: 1 }
    expect(await withFileLock(path, async () => 'mine', patience)).toBe('mine')
  })

  it('waits no longer than it should, and says for whom and what to do', async () => {
    const { folder, path, lock } = await lockable()
    await writeFile(lock, await foreignOwner({ pid: 4321 }))
    expect(await refusalOf(withFileLock(path, async () => 0, { ...PATIENT, waitMs: 5 }))).toBe(
      'locked: the list is being changed by process 4321 on other, for more than 0 s; ' +
        `nothing was changed: try again, and if that process is gone, remove ${lock}`,
    )
    expect(await readdir(folder)).toEqual(['list.lock'])
  })

  it('waits no longer for this process either', async () => {
    const { path } = await lockable()
    await withFileLock(path, async () => {
      const second = withFileLock(path, async () => 0, { waitMs: 5 })
      expect(await refusalOf(second)).toMatch(/^locked: .* by other changes of this process/)
    })
  })

  it('gets the lock as soon as it is free', async () => {
    const { path, lock } = await lockable()
    await writeFile(lock, await foreignOwner())
    const waiting = withFileLock(path, async () => 'mine', PATIENT)
    await removeLock(lock, await readFile(lock, 'utf8'))
    expect(await waiting).toBe('mine')
  })

  it('waits for what is no lock file, and leaves it', async () => {
    const { path, lock } = await lockable()
    await mkdir(lock)
    const patience = { staleMs: 0, pollMs: 1, waitMs: 5 }
    expect(await refusalOf(withFileLock(path, async () => 0, patience))).toContain(`remove ${lock}`)
    expect((await stat(lock)).isDirectory()).toBe(true)
  })

  it('finds out that it lost the lock, and leaves the one of another', async () => {
    const { path, lock } = await lockable()
    const other = await foreignOwner()
    await withFileLock(path, async ({ assertHeld }) => {
      await writeFile(lock, other)
      expect(await refusalOf(assertHeld())).toMatch(/^locked: .*took the lock over/)
    })
    expect(await readFile(lock, 'utf8')).toBe(other)
  })

  it('gives signs of life', async () => {
    const { path, lock } = await lockable()
    await withFileLock(
      path,
      async () => {
        await utimes(lock, 1, 1)
        while ((await stat(lock)).mtimeMs === 1000) await new Promise(setImmediate)
      },
      { touchMs: 1 },
    )
  })

  it('throws the error of the system where no lock can be made', async () => {
    const path = join(await temporaryFolder(), 'missing', 'list')
    await expect(withFileLock(path, async () => 0)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('touchLock', () => {
  it.each([
    ['touches the lock that is meant', 'x', false],
    ['leaves the one of another, which took it over', 'y', true],
  ])('%s', async (_, content, isLeft) => {
    const { lock } = await lockable()
    await writeFile(lock, content)
    await utimes(lock, 1, 1)
    await touchLock(lock, 'x')
    expect((await stat(lock)).mtimeMs === 1000).toBe(isLeft)
  })

  it('needs no lock, and makes none', async () => {
    const { folder, lock } = await lockable()
    await touchLock(lock, 'x')
    await mkdir(lock)
    await touchLock(lock, 'x')
    expect(await readdir(folder)).toEqual(['list.lock'])
  })
})

describe('removeLock', () => {
  it('lets exactly one of many win', async () => {
    const { folder, lock } = await lockable()
    await writeFile(lock, 'x')
    const won = await Promise.all(Array.from({ length: 20 }, () => removeLock(lock, 'x')))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves another lock', async () => {
    const { lock } = await lockable()
    await writeFile(lock, 'y')
    expect(await removeLock(lock, 'x')).toBe(false)
    expect((await sightLock(lock))?.identity).toBe('y')
  })

  it('never removes a lock that takes the place of the one it means', async () => {
    const { folder, lock } = await lockable()
    for (let round = 0; round < 200; round += 1) {
      await writeFile(lock, 'x')
      // Whatever happens in between, the new one is there in the end.
      const swap = removeLock(lock, 'x').then(() => writeFile(lock, 'y', { flag: 'wx' }))
      const late = removeLock(lock, 'x').then(() => removeLock(lock, 'x'))
      await Promise.all([swap, late])
      expect((await sightLock(lock))?.identity).toBe('y')
      await removeLock(lock, 'y')
    }
    expect(await readdir(folder)).toEqual([])
  })
})
