import {
  access,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  createFile,
  removeIfThere,
  removeStaleTemporaries,
  temporaryPathFor,
  writeDurably,
} from '../src/create-file.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return (error as NodeJS.ErrnoException | undefined)?.code
}

describe('createFile', () => {
  it('creates the file with its content and mode, and leaves nothing else', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'key')
    expect(await createFile(path, 'content', 0o600)).toBe(true)
    expect(await readFile(path, 'utf8')).toBe('content')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['key'])
  })

  it('leaves an existing file alone', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'key')
    await writeFile(path, 'first', { mode: 0o644 })
    expect(await createFile(path, 'second', 0o600)).toBe(false)
    expect(await readFile(path, 'utf8')).toBe('first')
    expect((await stat(path)).mode & 0o777).toBe(0o644)
    expect(await readdir(folder)).toEqual(['key'])
  })

  it('leaves a dangling symlink alone', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'key')
    await symlink('nowhere', path)
    expect(await createFile(path, 'content', 0o600)).toBe(false)
    expect(await readdir(folder)).toEqual(['key'])
  })

  it('leaves a folder of that name alone', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'key'))
    expect(await createFile(join(folder, 'key'), 'content', 0o600)).toBe(false)
    expect(await readdir(folder)).toEqual(['key'])
  })

  it('lets exactly one of many creators win, and every reader sees a whole file', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'key')
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(1000))
    const created = await Promise.all(
      contents.map(async (content) => {
        const won = await createFile(path, content, 0o600)
        return { won, seen: await readFile(path, 'utf8') }
      }),
    )
    const winner = created.findIndex(({ won }) => won)
    expect(created.filter(({ won }) => won)).toHaveLength(1)
    expect(new Set(created.map(({ seen }) => seen))).toEqual(new Set([contents[winner]]))
    expect(await readdir(folder)).toEqual(['key'])
  })

  it('throws the error of the system where the folder is missing', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'missing', 'key')
    expect(await codeOf(createFile(path, 'content', 0o600))).toBe('ENOENT')
    expect(await readdir(folder)).toEqual([])
  })

  it('throws the error of the system where the folder is a file', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'file'), '')
    expect(await codeOf(createFile(join(folder, 'file', 'key'), 'content', 0o600))).toBe('ENOTDIR')
  })
})

describe('writeDurably', () => {
  it('writes a new file and prepares it', async () => {
    const path = join(await temporaryFolder(), 'key')
    const prepare = (file: { chmod: (mode: number) => Promise<void> }) => file.chmod(0o666)
    await writeDurably(path, Uint8Array.of(65, 66), { mode: 0o600, prepare })
    expect(await readFile(path, 'utf8')).toBe('AB')
    expect((await stat(path)).mode & 0o777).toBe(0o666)
  })

  it('leaves a file that is there', async () => {
    const path = join(await temporaryFolder(), 'key')
    await writeFile(path, 'first')
    expect(await codeOf(writeDurably(path, 'second', { mode: 0o600 }))).toBe('EEXIST')
    expect(await readFile(path, 'utf8')).toBe('first')
  })

  it('leaves nothing behind when it fails', async () => {
    const folder = await temporaryFolder()
    const prepare = () => Promise.reject(new Error('not prepared'))
    const writing = writeDurably(join(folder, 'key'), 'content', { mode: 0o600, prepare })
    await expect(writing).rejects.toThrow('not prepared')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('removeIfThere', () => {
  it('removes a file, and minds none that is gone', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'key'), '')
    await removeIfThere(join(folder, 'key'))
    await removeIfThere(join(folder, 'key'))
    expect(await readdir(folder)).toEqual([])
    expect(await codeOf(removeIfThere(folder))).toBe('EISDIR')
  })
})

describe('removeStaleTemporaries', () => {
  const TWO_HOURS_AGO = new Date(Date.now() - 2 * 3_600_000)

  async function folderOf(names: string[], time: Date): Promise<string> {
    const folder = await temporaryFolder()
    for (const name of names) {
      await writeFile(join(folder, name), 'x')
      await utimes(join(folder, name), time, time)
    }
    return folder
  }

  it('removes what a creation of that file left more than an hour ago', async () => {
    const folder = await folderOf(['.key.1.tmp', '.key.2.tmp'], TWO_HOURS_AGO)
    await removeStaleTemporaries(join(folder, 'key'))
    expect(await readdir(folder)).toEqual([])
  })

  it('removes what is older than it is told', async () => {
    const folder = await folderOf(['.key.1.tmp'], new Date())
    await removeStaleTemporaries(join(folder, 'key'), Number.NEGATIVE_INFINITY)
    expect(await readdir(folder)).toEqual([])
  })

  it('finds what temporaryPathFor names, each time otherwise', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'key')
    const names = [temporaryPathFor(path), temporaryPathFor(path)]
    expect(names[0]).not.toBe(names[1])
    for (const name of names) await writeFile(name, '')
    await removeStaleTemporaries(path, Number.NEGATIVE_INFINITY)
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves what may still be in use', async () => {
    const folder = await folderOf(['.key.1.tmp'], new Date())
    await removeStaleTemporaries(join(folder, 'key'))
    expect(await readdir(folder)).toEqual(['.key.1.tmp'])
  })

  it('leaves all other files', async () => {
    const names = ['.key', '.key.1', '.other.1.tmp', 'key', 'key.1.tmp']
    const folder = await folderOf(names, TWO_HOURS_AGO)
    await removeStaleTemporaries(join(folder, 'key'))
    expect((await readdir(folder)).sort()).toEqual(names)
  })

  it('goes on where another start removes the same file', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `.key.${index}.tmp`)
    const folder = await folderOf(names, TWO_HOURS_AGO)
    await Promise.all(names.map(() => removeStaleTemporaries(join(folder, 'key'))))
    expect(await codeOf(access(join(folder, '.key.0.tmp')))).toBe('ENOENT')
    expect(await readdir(folder)).toEqual([])
  })
})
