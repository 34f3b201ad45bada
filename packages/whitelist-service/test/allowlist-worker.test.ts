import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtFile } from '@dstack-node/testbed/built-program'
import { describe, expect, it } from 'vitest'
import { readAllowlist } from '../src/allowlist-reader.js'
import { offThreadReader } from '../src/allowlist-worker.js'
import { isListed } from '../src/allowlist.js'
import { listOf } from './_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const PROGRAM = builtFile('whitelist')
const key = makeKey()
/** More than 64 KiB of keys. */
const MANY = Array.from({ length: 1200 }, () => randomBytes(32).toString('hex'))

async function fileWith(content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, content)
  return path
}

describe('offThreadReader', () => {
  it('reads a large file as readAllowlist does', async () => {
    const path = await fileWith(listOf([...MANY, key.npub, 'x']))
    const reading = await offThreadReader(PROGRAM)(path)
    expect(reading).toEqual(await readAllowlist(path))
    expect(reading.kind === 'list' && isListed(reading.allowlist, key.hex)).toBe(true)
    expect(reading.kind === 'list' && isListed(reading.allowlist, 'x')).toBe(true)
    expect(reading.kind === 'list' && isListed(reading.allowlist, makeKey().hex)).toBe(false)
  })

  it('reads a small file without another thread', async () => {
    const path = await fileWith(listOf([key.npub]))
    expect(await offThreadReader('/nowhere.js')(path)).toEqual(await readAllowlist(path))
  })

  it('knows a large file that has not changed', async () => {
    const path = await fileWith(listOf(MANY))
    const read = offThreadReader(PROGRAM)
    const first = await read(path)
    expect(await read(path, first.kind === 'list' ? first.hash : '')).toEqual({ kind: 'unchanged' })
  })

  it('tells what is wrong with a large file', async () => {
    const path = await fileWith(listOf([...MANY, key.nsec]))
    expect(await offThreadReader(PROGRAM)(path)).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^entry 1200 \(line 1\) is a SECRET key/) as string,
    })
  })

  it('says that a file is missing', async () => {
    const path = join(await temporaryFolder(), 'missing')
    expect(await offThreadReader(PROGRAM)(path)).toMatchObject({ kind: 'missing' })
  })

  it.each([
    ['the program is missing', '/nowhere.js', 'MODULE_NOT_FOUND'],
    ['the thread cannot be started', 'not-absolute.js', 'ERR_WORKER_PATH'],
  ])('calls the file unreadable where %s', async (_, program, code) => {
    const path = await fileWith(listOf(MANY))
    expect(await offThreadReader(program)(path)).toEqual({
      kind: 'unreadable',
      reason: `the thread that reads it failed (${code})`,
    })
  })

  it('calls the file unreadable where the thread ends without a word', async () => {
    const path = await fileWith(listOf(MANY))
    const program = join(await temporaryFolder(), 'silent.cjs')
    await writeFile(program, 'process.exit(0)')
    expect(await offThreadReader(program)(path)).toEqual({
      kind: 'unreadable',
      reason: 'the thread that reads it failed (unknown)',
    })
  })
})
