import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readAllowlist } from '../../src/list/allowlist-reader.js'
import { isListed } from '../../src/list/verdict.js'
import { listOf } from '../_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

/** No key here expires. */
const NOW = () => 0

const key = makeKey()

async function listFile(content: string | Uint8Array = listOf([key.npub])): Promise<string> {
  const path = join(await temporaryFolder(), 'whitelist.json')
  await writeFile(path, content)
  return path
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Runs `action` without the rights of root, which may read everything. */
async function withoutRoot<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid?.(65534)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}

describe('readAllowlist', () => {
  it('reads the list and tells the hash of its content', async () => {
    const reading = await readAllowlist(await listFile())
    expect(reading).toMatchObject({ kind: 'list', hash: sha256(listOf([key.npub])) })
    expect(reading.kind === 'list' && isListed(reading.allowlist, key.hex, NOW)).toBe(true)
  })

  it('reads through a symlink', async () => {
    const path = await listFile()
    await symlink(path, `${path}.link`)
    expect((await readAllowlist(`${path}.link`)).kind).toBe('list')
  })

  it('says so where the content is the one with the known hash', async () => {
    const path = await listFile()
    expect(await readAllowlist(path, sha256(listOf([key.npub])))).toEqual({ kind: 'unchanged' })
    expect((await readAllowlist(path, sha256(listOf([])))).kind).toBe('list')
  })

  it('knows a content of several megabytes again, and the one that differs at its end', async () => {
    const bytes = listOf(Array.from({ length: 40_000 }, (_, index) => `${key.npub}${index}`))
    const path = await listFile(bytes)
    expect(await readAllowlist(path, sha256(bytes))).toEqual({ kind: 'unchanged' })
    await appendFile(path, ' ')
    expect((await readAllowlist(path, sha256(bytes))).kind).toBe('list')
  })

  it('says that a file is missing', async () => {
    expect(await readAllowlist(join(await temporaryFolder(), 'x'))).toEqual({
      kind: 'missing',
      reason: 'the file is not there: put it back',
    })
  })

  it('takes a dangling symlink for a missing file', async () => {
    const path = join(await temporaryFolder(), 'x')
    await symlink('nowhere', path)
    expect((await readAllowlist(path)).kind).toBe('missing')
  })

  it('says that it is a directory, and where that comes from', async () => {
    const path = join(await temporaryFolder(), 'x')
    await mkdir(path)
    expect(await readAllowlist(path)).toEqual({
      kind: 'unreadable',
      reason:
        'it is a directory (container engines make one where a mounted file is missing): ' +
        'remove it and put the file there',
    })
  })

  it('does not wait for the writer of a FIFO', async () => {
    const path = join(await temporaryFolder(), 'x')
    execFileSync('mkfifo', [path])
    expect(await readAllowlist(path)).toEqual({
      kind: 'unreadable',
      reason: 'it is not a regular file',
    })
  })

  it('does not read a device', async () => {
    expect(await readAllowlist('/dev/zero')).toEqual({
      kind: 'unreadable',
      reason: 'it is not a regular file',
    })
  })

  it('does not read a socket', async () => {
    const path = join(await temporaryFolder(), 'x')
    const server = createServer().listen(path)
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    expect(await readAllowlist(path)).toEqual({
      kind: 'unreadable',
      reason: "it can't be read (ENXIO)",
    })
  })

  it('does not read more than 256 MiB', async () => {
    const path = await listFile()
    await truncate(path, 256 * 1024 * 1024 + 1)
    expect(await readAllowlist(path)).toEqual({
      kind: 'unreadable',
      reason: 'it is larger than 268435456 bytes',
    })
  })

  it('says that it has no right to read the file', async () => {
    const path = await listFile()
    await chmod(path, 0o000)
    expect(await withoutRoot(() => readAllowlist(path))).toEqual({
      kind: 'unreadable',
      reason: 'no right to read it: chmod it',
    })
  })

  it('names the code of any other error', async () => {
    const path = await listFile()
    expect(await readAllowlist(join(path, 'below'))).toEqual({
      kind: 'unreadable',
      reason: "it can't be read (ENOTDIR)",
    })
    await symlink('loop', `${path}.loop`)
    await symlink('whitelist.json.loop', join(path, '..', 'loop'))
    expect(await readAllowlist(`${path}.loop`)).toEqual({
      kind: 'unreadable',
      reason: "it can't be read (ELOOP)",
    })
  })

  it.each([
    ['is no JSON', '{"pubkeys": [\n', /^the file is not valid JSON: look at line 2/],
    ['has another shape', '[]', /^the file must|^"pubkeys" must/],
    ['is empty', '', /^the file is empty/],
    ['has an entry that is no string', '{"pubkeys": [1]}', /^entry 0 \(line 1\) must be a string/],
    ['has a secret key', `{"pubkeys": ["${key.nsec}"]}`, /^entry 0 \(line 1\) is a SECRET key/],
  ])('refuses a file that %s', async (_, content, reason) => {
    expect(await readAllowlist(await listFile(content))).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(reason) as string,
    })
  })
})
