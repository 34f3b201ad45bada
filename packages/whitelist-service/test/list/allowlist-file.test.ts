import { execFileSync } from 'node:child_process'
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '@dstack-node/service-kit'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { openAllowlistFile, type AllowlistFile } from '../../src/list/allowlist-file.js'
import {
  readAllowlist,
  type AllowlistReading,
  type ReadAllowlist,
} from '../../src/list/allowlist-reader.js'
import { parseAllowlist } from '../../src/list/allowlist.js'
import { listOf } from '../_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { recordLog, type LogLine } from '../_log.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const PATIENCE = { timeout: 30_000, interval: 20 }
const key = makeKey()

// Some tests run side by side: what they open is closed when all are done.
const opened: AllowlistFile[] = []
afterAll(() => {
  for (const file of opened) file.close()
})

interface OpenFile {
  file: AllowlistFile
  lines: () => LogLine[]
}

async function open(path: string, read: ReadAllowlist = readAllowlist): Promise<OpenFile> {
  const { log, lines } = await recordLog()
  const file = await openAllowlistFile({ path, read, log })
  opened.push(file)
  return { file, lines }
}

/** A file with these entries in a folder of its own, and the list that follows it. */
async function openList(pubkeys: readonly string[]): Promise<OpenFile & { path: string }> {
  const path = join(await temporaryFolder(), 'whitelist.json')
  await writeFile(path, listOf(pubkeys))
  return { path, ...(await open(path)) }
}

function served(file: AllowlistFile): unknown {
  const body = Buffer.from(file.state().allowlist.listBody).toString()
  return (JSON.parse(body) as { pubkeys: unknown }).pubkeys
}

async function untilServed(file: AllowlistFile, pubkeys: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    expect(served(file)).toEqual(pubkeys)
    expect(file.state().problem).toBeUndefined()
  }, PATIENCE)
}

async function untilProblem(file: AllowlistFile, problem: RegExp): Promise<void> {
  await vi.waitFor(() => {
    expect(file.state().problem).toMatch(problem)
  }, PATIENCE)
}

async function renameOver(path: string, content: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

/** Gives one reading after the other, the last one for ever; counts how often it was asked. */
function scripted(readings: AllowlistReading[]) {
  return vi.fn<ReadAllowlist>(async () => {
    const reading = readings.length > 1 ? readings.shift() : readings[0]
    return reading ?? { kind: 'unchanged' }
  })
}

function listReading(pubkeys: readonly string[]): AllowlistReading {
  return { kind: 'list', hash: pubkeys.join(), allowlist: parseAllowlist(listOf(pubkeys)) }
}

describe('openAllowlistFile', () => {
  it('serves the list and tells when it was loaded', async () => {
    const before = Date.now()
    const { file, lines } = await openList([key.npub, key.hex])
    expect(served(file)).toEqual([key.npub, key.hex])
    expect(file.state().problem).toBeUndefined()
    expect(file.state().loadedAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(lines()).toMatchObject([{ level: 'info', keys: 1, entries: 2 }])
  })

  it('creates a missing file as an empty list, with a warning', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'whitelist.json')
    const { file, lines } = await open(path)
    expect(served(file)).toEqual([])
    expect(await readdir(folder)).toEqual(['whitelist.json'])
    expect(await readFile(path, 'utf8')).toBe('{"pubkeys": []}\n')
    // For its owner to write, and at most for others to read: how far depends on the umask.
    expect((await stat(path)).mode & 0o733).toBe(0o600)
    expect(lines()).toMatchObject([
      {
        level: 'warn',
        msg: `${path} was not there: created it with an empty list; add keys to it`,
      },
      { level: 'info', keys: 0, entries: 0 },
      { level: 'warn', msg: 'the list is empty: no key is whitelisted' },
    ])
  })

  it('follows the file that it created', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    const { file } = await open(path)
    await writeFile(path, listOf([key.npub]))
    await untilServed(file, [key.npub])
  })

  it('lets many services create one file at once', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    const files = await Promise.all(Array.from({ length: 8 }, () => open(path)))
    const warnings = files.flatMap(({ lines }) => lines()).filter(({ msg }) => /created/.test(msg))
    expect(files.map(({ file }) => served(file))).toEqual(Array(8).fill([]))
    expect(warnings).toHaveLength(1)
  })

  it('warns of entries that are no keys by their index, not by their text', async () => {
    const { lines } = await openList(['hunter2', key.npub, 'hunter3'])
    expect(lines()).toMatchObject(
      [{ level: 'info' }, { level: 'warn', count: 2, indexes: [0, 2], msg: /no valid keys/ }].map(
        ({ msg, ...line }) => (msg ? { ...line, msg: expect.stringMatching(msg) as string } : line),
      ),
    )
    expect(JSON.stringify(lines())).not.toContain('hunter')
  })

  it('shows at most ten of those indexes', async () => {
    const { lines } = await openList(Array.from({ length: 30 }, () => 'x'))
    expect(lines()[1]).toMatchObject({ count: 30, indexes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] })
  })
})

describe('openAllowlistFile refuses to start', () => {
  async function refusal(path: string): Promise<string> {
    const { log } = await recordLog()
    const error: unknown = await openAllowlistFile({ path, read: readAllowlist, log }).then(
      (file) => {
        file.close()
      },
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(StartError)
    return (error as StartError).message.replace(path, 'FILE')
  }

  it.each([
    [
      'is no JSON',
      '{"pubkeys": [\n"a",\n]}',
      'FILE: the file is not valid JSON: look at line 3, column 1, and just before it',
    ],
    [
      'has another shape',
      '{"keys": []}',
      'FILE: "pubkeys" must be an array of strings, like {"pubkeys": ["npub1…", …]}',
    ],
    ['is empty', '', 'FILE: the file is empty: an empty list is {"pubkeys": []}'],
    [
      'has a secret key',
      `{"pubkeys": [\n"${key.nsec}"]}`,
      'FILE: entry 0 (line 2) is a SECRET key: take it out, put its npub1… there instead, and treat the secret as leaked',
    ],
  ])('where the file %s, and leaves it as it is', async (_, content, message) => {
    const folder = await temporaryFolder()
    const path = join(folder, 'whitelist.json')
    await writeFile(path, content)
    const before = await stat(path)
    expect(await refusal(path)).toBe(message)
    const after = await stat(path)
    expect([after.ino, after.mtimeMs, after.mode]).toEqual([
      before.ino,
      before.mtimeMs,
      before.mode,
    ])
    expect(await readFile(path, 'utf8')).toBe(content)
    expect(await readdir(folder)).toEqual(['whitelist.json'])
  })

  it('where a directory stands in place of the file', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await mkdir(path)
    expect(await refusal(path)).toMatch(/^FILE: it is a directory/)
    expect((await stat(path)).isDirectory()).toBe(true)
  })

  it('where a FIFO stands in place of the file', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    execFileSync('mkfifo', [path])
    expect(await refusal(path)).toBe('FILE: it is not a regular file')
  })

  it('where the folder is missing', async () => {
    const folder = await temporaryFolder()
    expect(await refusal(join(folder, 'missing', 'whitelist.json'))).toBe(
      "FILE: the file is not there and can't be created (ENOENT): create it, or set WHITELIST_FILE",
    )
    expect(await readdir(folder)).toEqual([])
  })

  it('where the symlink leads nowhere, and leaves it as it is', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'whitelist.json')
    await symlink('nowhere', path)
    expect(await refusal(path)).toBe('FILE: the file is not there: put it back')
    expect(await readlink(path)).toBe('nowhere')
    expect(await readdir(folder)).toEqual(['whitelist.json'])
  })
})

describe.concurrent('an AllowlistFile picks up', () => {
  const EDITS = [['a'], ['b', 'a'], [], ['c']]

  it('files that are written in place, one after the other', async () => {
    const { path, file } = await openList(['first'])
    for (const pubkeys of EDITS) {
      await writeFile(path, listOf(pubkeys))
      await untilServed(file, pubkeys)
    }
  })

  it('files that are renamed over, one after the other', async () => {
    const { path, file } = await openList(['first'])
    for (const pubkeys of EDITS) {
      await renameOver(path, listOf(pubkeys))
      await untilServed(file, pubkeys)
    }
  })

  it('symlinked folders that are swapped, as Kubernetes does for a ConfigMap', async () => {
    const folder = await temporaryFolder()
    const publish = async (version: string, pubkeys: readonly string[]) => {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'whitelist.json'), listOf(pubkeys))
      await symlink(version, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await publish('..1', ['first'])
    await symlink('..data/whitelist.json', join(folder, 'whitelist.json'))
    const { file } = await open(join(folder, 'whitelist.json'))
    for (const [index, pubkeys] of EDITS.entries()) {
      await publish(`..${index + 2}`, pubkeys)
      await rm(join(folder, `..${index + 1}`), { recursive: true })
      await untilServed(file, pubkeys)
    }
  })

  it('a symlink that is swapped itself', async () => {
    const { path, file } = await openList(['first'])
    await writeFile(`${path}.2`, listOf(['second']))
    await symlink(`${path}.2`, `${path}.link`)
    await rename(`${path}.link`, path)
    await untilServed(file, ['second'])
  })

  it('the last of several edits that follow each other closely', async () => {
    const { path, file } = await openList(['first'])
    for (let index = 0; index < 50; index += 1) await renameOver(path, listOf([`${index}`]))
    await untilServed(file, ['49'])
  })

  it('a second edit of the same size in the same instant', async () => {
    const { path, file } = await openList(['0'])
    for (const [first, second] of ['12', '34', '56'].map((pair) => [
      pair.slice(0, 1),
      pair.slice(1),
    ])) {
      await writeFile(path, listOf([first]))
      await writeFile(path, listOf([second]))
      await untilServed(file, [second ?? ''])
    }
  })

  it('a change that the file system did not show', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, '')
    const read = scripted([listReading(['a']), { kind: 'unchanged' }, listReading(['b'])])
    const { file } = await open(path, read)
    expect(served(file)).toEqual(['a'])
    await untilServed(file, ['b'])
  })

  it('nothing but the new list: never an empty one in between', async () => {
    const { path, file } = await openList(['0'])
    const seen = new Set<number>()
    for (let index = 1; index <= 3; index += 1) {
      await writeFile(path, listOf([`${index}`]))
      await vi.waitFor(() => {
        seen.add(file.state().allowlist.entryCount)
        expect(served(file)).toEqual([`${index}`])
      }, PATIENCE)
    }
    expect([...seen]).toEqual([1])
  })

  it('a new list with a new time of loading', async () => {
    const { path, file } = await openList(['a'])
    const { loadedAt } = file.state()
    await writeFile(path, listOf(['b']))
    await untilServed(file, ['b'])
    expect(file.state().loadedAt.getTime()).toBeGreaterThan(loadedAt.getTime())
  })
})

describe.concurrent('an AllowlistFile serves the last good list', () => {
  it.each([
    ['is no JSON', '{"pubkeys": [\n"b",\n]}', /not valid JSON: look at line 3, column 1/],
    ['is half-written', '{"pubkeys": ["b"', /not valid JSON: look at line 1/],
    ['is empty', '', /the file is empty/],
    ['has another shape', '["b"]', /"pubkeys" must be|must hold a JSON object/],
    [
      'has an entry that is no string',
      '{"pubkeys": ["b", 1]}',
      /entry 1 \(line 1\) must be a string/,
    ],
    ['has a secret key', `{"pubkeys": ["b", "${key.nsec}"]}`, /entry 1 \(line 1\) is a SECRET key/],
  ])('while the file %s, until it is mended', async (_, content, problem) => {
    const { path, file, lines } = await openList(['a'])
    const { loadedAt } = file.state()
    await writeFile(path, content)
    await untilProblem(file, problem)
    expect(file.state().problem).toContain(`${path}: `)
    expect(served(file)).toEqual(['a'])
    expect(file.state().loadedAt).toEqual(loadedAt)
    expect(lines().at(-1)).toMatchObject({
      level: 'error',
      problem: file.state().problem,
      msg: 'the last good list is still served',
    })
    await writeFile(path, listOf(['b']))
    await untilServed(file, ['b'])
    expect(JSON.stringify(lines())).not.toContain(key.nsec.slice(5))
  })

  it('while the file is deleted, until it is back', async () => {
    const { path, file } = await openList(['a'])
    await unlink(path)
    await untilProblem(file, /the file is not there: put it back/)
    expect(served(file)).toEqual(['a'])
    await writeFile(path, listOf(['b']))
    await untilServed(file, ['b'])
  })

  it('while the file is deleted, until it is back as it was', async () => {
    const { path, file, lines } = await openList(['a'])
    await unlink(path)
    await untilProblem(file, /the file is not there/)
    await writeFile(path, listOf(['a']))
    await untilServed(file, ['a'])
    expect(lines().at(-1)).toMatchObject({ msg: `${path} is the list being served again` })
  })

  it('and never creates a file that is deleted while it runs', async () => {
    const { path, file } = await openList(['a'])
    await unlink(path)
    await untilProblem(file, /the file is not there/)
    await file.reload()
    expect(await readdir(join(path, '..'))).toEqual([])
  })

  it('while the whole folder is gone, until it is back', async () => {
    const { path, file } = await openList(['a'])
    const folder = join(path, '..')
    await rename(folder, `${folder}-away`)
    await untilProblem(file, /the file is not there/)
    await rename(`${folder}-away`, folder)
    await untilServed(file, ['a'])
  })

  it('while the file is written in two halves', async () => {
    const { path, file } = await openList(['a'])
    const whole = listOf(['b', 'c'])
    await writeFile(path, whole.slice(0, 15))
    await untilProblem(file, /not valid JSON/)
    await appendFile(path, whole.slice(15))
    await untilServed(file, ['b', 'c'])
  })

  it('while a directory stands in place of the file', async () => {
    const { path, file } = await openList(['a'])
    await unlink(path)
    await mkdir(path)
    await untilProblem(file, /it is a directory/)
    expect(served(file)).toEqual(['a'])
    await rm(path, { recursive: true })
    await writeFile(path, listOf(['b']))
    await untilServed(file, ['b'])
  })

  it('while a FIFO stands in place of the file', async () => {
    const { path, file } = await openList(['a'])
    execFileSync('mkfifo', [`${path}.fifo`])
    await rename(`${path}.fifo`, path)
    await untilProblem(file, /it is not a regular file/)
    await renameOver(path, listOf(['b']))
    await untilServed(file, ['b'])
  })

  it('while the symlink leads in a circle', async () => {
    const { path, file } = await openList(['a'])
    await symlink(path, `${path}.link`)
    await rename(`${path}.link`, path)
    await untilProblem(file, /it can't be read \(ELOOP\)/)
    await renameOver(path, listOf(['b']))
    await untilServed(file, ['b'])
  })

  it('and tries for ever to read a file that does not change but cannot be read', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, '')
    const unreadable: AllowlistReading = { kind: 'unreadable', reason: 'it is busy' }
    const read = scripted([
      listReading(['a']),
      ...Array.from({ length: 8 }, () => unreadable),
      listReading(['b']),
    ])
    const { file, lines } = await open(path, read)
    await untilProblem(file, /it is busy/)
    await untilServed(file, ['b'])
    expect(read.mock.calls.length).toBeGreaterThanOrEqual(10)
    expect(lines().filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('and tells each new problem', async () => {
    const { path, file, lines } = await openList(['a'])
    await writeFile(path, '')
    await untilProblem(file, /the file is empty/)
    await writeFile(path, '{')
    await untilProblem(file, /not valid JSON/)
    expect(lines().filter(({ level }) => level === 'error')).toHaveLength(2)
    expect(served(file)).toEqual(['a'])
  })
})

describe('reload', () => {
  it('has read the file when it is done', async () => {
    const { path, file } = await openList(['a'])
    await writeFile(path, listOf(['b']))
    await file.reload()
    expect(served(file)).toEqual(['b'])
  })

  it('knows a problem when it is done', async () => {
    const { path, file } = await openList(['a'])
    await writeFile(path, '{')
    await file.reload()
    expect(file.state().problem).toMatch(/not valid JSON/)
    expect(served(file)).toEqual(['a'])
  })

  it('reads a file that seems unchanged', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, '')
    const read = scripted([listReading(['a']), listReading(['b'])])
    const { file } = await open(path, read)
    await file.reload()
    expect(served(file)).toEqual(['b'])
  })

  it('changes nothing where nothing has changed', async () => {
    const { file } = await openList(['a'])
    const state = file.state()
    await file.reload()
    expect(file.state()).toEqual(state)
    expect(file.state().allowlist).toBe(state.allowlist)
  })

  it('never reads twice at the same time', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, listOf(['a']))
    let running = 0
    const overlaps: number[] = []
    const { file } = await open(path, async (...args) => {
      running += 1
      overlaps.push(running)
      const reading = await readAllowlist(...args)
      running -= 1
      return reading
    })
    await Promise.all(Array.from({ length: 20 }, () => file.reload()))
    expect(new Set(overlaps)).toEqual(new Set([1]))
  })
})

describe('close', () => {
  it('can be called more than once', async () => {
    const { file } = await openList(['a'])
    file.close()
    file.close()
    expect(served(file)).toEqual(['a'])
  })

  it('ends the following', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, listOf(['a']))
    const read = vi.fn<ReadAllowlist>(readAllowlist)
    const { file } = await open(path, read)
    const { file: other } = await open(path)
    file.close()
    const before = read.mock.calls.length
    await writeFile(path, listOf(['b']))
    await untilServed(other, ['b'])
    expect(read.mock.calls.length).toBe(before)
  })
})

describe('a mounted file', () => {
  it('keeps the list and says so when another file is put in its place outside', async () => {
    const path = join(await temporaryFolder(), 'whitelist.json')
    await writeFile(path, listOf([key.npub]))
    const mount = { root: '/srv/whitelist.json' }
    const { log } = await recordLog()
    const mountRoot = async () => mount.root
    const file = await openAllowlistFile({ path, read: readAllowlist, log, mountRoot })
    opened.push(file)
    mount.root = '/srv/whitelist.json.bak'
    await untilProblem(file, /replaced outside this container.*restart the container/)
    expect(served(file)).toEqual([key.npub])
  })
})
