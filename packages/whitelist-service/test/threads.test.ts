import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { formatNpub } from '@dstack-node/service-kit'
import { builtFile } from '@dstack-node/testbed/built-program'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ChangeError } from '../src/admin/change-error.js'
import { parseAllowlist, type Allowlist } from '../src/list/allowlist.js'
import { readAllowlist } from '../src/list/allowlist-reader.js'
import { formatList, LIST_FORMATS } from '../src/list/list-format.js'
import { createThreads } from '../src/threads.js'
import { isListed } from '../src/list/verdict.js'
import { bytesOf, listOf } from './_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

/** No key here expires. */
const NOW = () => 0

const PROGRAM = builtFile('whitelist')
const key = makeKey()
/** More than 64 KiB of keys. */
const MANY = Array.from({ length: 1200 }, () => randomBytes(32).toString('hex'))

async function fileWith(content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, content)
  return path
}

/** With what is in each part of a list as text: a comparison of shared arrays would take minutes. */
function flatten(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, flatten(part)]))
}

describe('createThreads', () => {
  it('reads a large file as readAllowlist does', async () => {
    const path = await fileWith(
      bytesOf(
        JSON.stringify({
          pubkeys: [...MANY, key.npub, 'x'],
          meta: { [key.hex]: { label: 'Ann', reason: 'r', expires_at: 7 } },
          banned: { [makeKey().hex]: { reason: 'spam' } },
        }),
      ),
    )
    const reading = await createThreads(PROGRAM).read(path)
    expect(flatten(reading)).toEqual(flatten(await readAllowlist(path)))
    expect(reading.kind === 'list' && isListed(reading.allowlist, key.hex, NOW)).toBe(true)
    expect(reading.kind === 'list' && isListed(reading.allowlist, key.hex, () => 7)).toBe(false)
    expect(reading.kind === 'list' && isListed(reading.allowlist, 'x', NOW)).toBe(true)
    expect(reading.kind === 'list' && isListed(reading.allowlist, makeKey().hex, NOW)).toBe(false)
  })

  it('gets a large list as shared memory, not as a copy', async () => {
    const path = await fileWith(listOf([...MANY, 'x']))
    const reading = await createThreads(PROGRAM).read(path)
    const { keys, otherEntries, listBody } = (reading as { allowlist: Allowlist }).allowlist
    for (const part of [keys.words, keys.slots, otherEntries.words, listBody]) {
      expect(part.buffer).toBeInstanceOf(SharedArrayBuffer)
    }
  })

  it('reads a small file without another thread', async () => {
    const path = await fileWith(listOf([key.npub]))
    const reading = await createThreads('/nowhere.js').read(path)
    expect(flatten(reading)).toEqual(flatten(await readAllowlist(path)))
  })

  it('knows a large file that has not changed', async () => {
    const path = await fileWith(listOf(MANY))
    const read = createThreads(PROGRAM).read
    const first = await read(path)
    expect(await read(path, first.kind === 'list' ? first.hash : '')).toEqual({ kind: 'unchanged' })
  })

  it('tells what is wrong with a large file', async () => {
    const path = await fileWith(listOf([...MANY, key.nsec]))
    expect(await createThreads(PROGRAM).read(path)).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^entry 1200 \(line 1\) is a SECRET key/) as string,
    })
  })

  it('says that a file is missing', async () => {
    const path = join(await temporaryFolder(), 'missing')
    expect(await createThreads(PROGRAM).read(path)).toMatchObject({ kind: 'missing' })
  })

  it.each([
    ['the program is missing', '/nowhere.js', 'MODULE_NOT_FOUND'],
    ['the thread cannot be started', 'not-absolute.js', 'ERR_WORKER_PATH'],
  ])('calls the file unreadable where %s', async (_, program, code) => {
    const path = await fileWith(listOf(MANY))
    expect(await createThreads(program).read(path)).toEqual({
      kind: 'unreadable',
      reason: `the thread that reads it failed (${code})`,
    })
  })

  it('calls the file unreadable where the thread ends without a word', async () => {
    const path = await fileWith(listOf(MANY))
    const program = join(await temporaryFolder(), 'silent.cjs')
    await writeFile(program, 'process.exit(0)')
    expect(await createThreads(program).read(path)).toEqual({
      kind: 'unreadable',
      reason: 'the thread that reads it failed (unknown)',
    })
  })
})

describe('createThreads, for a list that is written', () => {
  const order = { format: 'nip86_banned', gzip: false, now: 0 } as const

  it.each(LIST_FORMATS)('writes and packs a large one in a thread as here: %s', async (format) => {
    const meta = { [key.hex]: { expires_at: 7, label: 'Ann' } }
    const pubkeys = [...MANY, key.npub, 'x']
    const list = parseAllowlist(bytesOf(JSON.stringify({ pubkeys, meta })))
    const write = createThreads(PROGRAM).format
    for (const gzip of [false, true]) {
      for (const now of [6, 7]) {
        const wish = { format, gzip, now }
        const written = await write(list, wish)
        expect(written.buffer).toBeInstanceOf(SharedArrayBuffer)
        expect(Buffer.compare(written, formatList(list, wish))).toBe(0)
      }
    }
  })

  it('writes a list that another thread has read, many forms of it at once', async () => {
    const path = await fileWith(listOf([...MANY, key.npub]))
    const { read, format: write } = createThreads(PROGRAM)
    const { allowlist } = (await read(path)) as { allowlist: Allowlist }
    const texts = await Promise.all(
      LIST_FORMATS.map(async (format) => {
        const packed = await write(allowlist, { format, gzip: true, now: 0 })
        return gunzipSync(packed).toString()
      }),
    )
    const sorted = [...MANY, key.hex].toSorted()
    expect(texts).toEqual([
      JSON.stringify({ pubkeys: [...MANY, key.npub] }),
      JSON.stringify({ pubkeys: sorted }),
      JSON.stringify({ pubkeys: sorted.map((hex) => formatNpub(hex)) }),
      sorted.map((hex) => `${hex}\n`).join(''),
    ])
  })

  it('tells that the thread ended without a word', async () => {
    const program = join(await temporaryFolder(), 'silent.cjs')
    await writeFile(program, 'process.exit(0)')
    const written = createThreads(program).format(parseAllowlist(listOf(MANY)), order)
    await expect(written).rejects.toThrow('the thread ended without a result')
  })

  it('does it in another thread where many keys are banned, though few are listed', async () => {
    const banned = Object.fromEntries(MANY.map((hex) => [hex, { reason: 'spam' }]))
    const list = parseAllowlist(bytesOf(JSON.stringify({ pubkeys: [], banned })))
    const written = await createThreads(PROGRAM).format(list, order)
    expect(written.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(Buffer.compare(written, formatList(list, order))).toBe(0)
    await expect(createThreads('/nowhere.js').format(list, order)).rejects.toThrow(/nowhere/)
  })

  it('does it right away where it is short', async () => {
    const list = parseAllowlist(bytesOf(JSON.stringify({ pubkeys: [], banned: { [key.hex]: {} } })))
    const written = await createThreads('/nowhere.js').format(list, order)
    expect(Buffer.from(written).toString()).toBe(`{"result":[{"pubkey":"${key.hex}","reason":""}]}`)
  })
})

describe('createThreads, for a list that is changed', () => {
  async function changeIn(program: string, content: Uint8Array) {
    const path = await fileWith(content)
    const change = createThreads(program).change({
      path,
      auditFile: `${path}.audit`,
      changes: [{ action: 'allow', pubkey: key.hex }],
      by: 'me',
      now: new Date(),
    })
    return { path, change }
  }

  it.each([
    ['another thread where it is large', PROGRAM, MANY],
    ['this thread where it is small', '/nowhere.js', [makeKey().npub]],
  ])('does it in %s', async (_, program, pubkeys) => {
    const { path, change } = await changeIn(program, listOf(pubkeys))
    const { effects, versionBefore, versionAfter } = await change
    expect(effects).toEqual([{ action: 'allow', pubkey: key.hex, deeds: ['added'] }])
    expect(versionBefore).toBe(parseAllowlist(listOf(pubkeys)).version)
    const reading = await readAllowlist(path)
    expect(reading).toMatchObject({ allowlist: { version: versionAfter } })
    expect(reading.kind === 'list' && isListed(reading.allowlist, key.hex, NOW)).toBe(true)
  })

  it('tells as a ChangeError why another thread could not', async () => {
    const { path, change } = await changeIn(PROGRAM, listOf([...MANY, 1]))
    const error: unknown = await change.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ChangeError)
    expect(error).toMatchObject({ code: 'file_invalid' })
    expect((error as Error).message).toMatch(/entry 1200 \(line 1\) must be a string/)
    expect(await readFile(path)).toEqual(Buffer.from(listOf([...MANY, 1])))
  })

  it('loads what writes to a list when there is something to write, and not at the start', async () => {
    const loaded = vi.fn()
    vi.doMock('../src/admin/change-allowlist.js', async (load) => {
      loaded()
      return load()
    })
    onTestFinished(() => {
      vi.doUnmock('../src/admin/change-allowlist.js')
    })
    vi.resetModules()
    const { createThreads } = await import('../src/threads.js')
    const path = await fileWith(listOf([key.npub]))
    const { read, change } = createThreads(PROGRAM)
    expect(await read(path)).toMatchObject({ kind: 'list' })
    expect(loaded).not.toHaveBeenCalled()
    await change({ path, auditFile: `${path}.audit`, changes: [], by: 'me', now: new Date() })
    expect(loaded).toHaveBeenCalledTimes(1)
  })

  it('throws where there is no such thread', async () => {
    const { change } = await changeIn('/nowhere.js', listOf(MANY))
    await expect(change).rejects.toThrow(/nowhere/)
  })
})
