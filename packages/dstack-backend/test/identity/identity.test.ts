import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { StartError } from '@dstack-node/service-kit'
import { nsecEncode } from 'nostr-tools/nip19'
import { getPublicKey } from 'nostr-tools/pure'
import { describe, expect, it } from 'vitest'
import { loadOrCreateIdentity, readIdentity } from '../../src/identity/identity.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { recordingLog } from '../_log.js'

const SECRET = 'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef'
const NSEC = nsecEncode(Buffer.from(SECRET, 'hex'))
const PUBKEY = getPublicKey(Buffer.from(SECRET, 'hex'))

async function folderWithKey(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const folder = await temporaryFolder()
  writeFileSync(join(folder, 'key'), content, { mode })
  return folder
}

async function load(folder: string) {
  const { log, lines } = await recordingLog()
  const identity = await loadOrCreateIdentity(folder, log)
  return { ...identity, lines }
}

describe('loadOrCreateIdentity, where there is no key', () => {
  it('creates 64 lower-case hex digits without a newline, mode 0600', async () => {
    const folder = await temporaryFolder()
    const { pubkey, npub } = await load(folder)
    const text = readFileSync(join(folder, 'key'), 'utf8')
    expect(text).toMatch(/^[0-9a-f]{64}$/)
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600)
    expect(pubkey).toBe(getPublicKey(Buffer.from(text, 'hex')))
    expect(npub).toMatch(/^npub1/)
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('creates the folder and the ones above it, for this user alone', async () => {
    const folder = join(await temporaryFolder(), 'a', 'b')
    await load(folder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('leaves the mode of a folder that is there', async () => {
    const folder = await temporaryFolder()
    chmodSync(folder, 0o770)
    await load(folder)
    expect(statSync(folder).mode & 0o777).toBe(0o770)
  })

  it('gives the same key the second time', async () => {
    const folder = await temporaryFolder()
    const first = await load(folder)
    expect((await load(folder)).pubkey).toBe(first.pubkey)
  })

  it('gives one key to many at once', async () => {
    const folder = await temporaryFolder()
    const loads = await Promise.all(Array.from({ length: 50 }, () => load(folder)))
    expect(new Set(loads.map(({ pubkey }) => pubkey)).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('removes temporary files of more than an hour ago, and only those', async () => {
    const folder = await temporaryFolder()
    const stale = join(folder, '.key.0.tmp')
    const fresh = join(folder, '.key.1.tmp')
    const foreign = join(folder, 'other.tmp')
    for (const path of [stale, fresh, foreign]) writeFileSync(path, '')
    for (const path of [stale, foreign]) utimesSync(path, 0, 0)
    await load(folder)
    expect([existsSync(stale), existsSync(fresh), existsSync(foreign)]).toEqual([false, true, true])
  })
})

describe('loadOrCreateIdentity, where there is a key', () => {
  it.each([
    ['as it is', SECRET],
    ['in upper case', SECRET.toUpperCase()],
    ['with a newline', `${SECRET}\n`],
    ['with a Windows newline', `${SECRET}\r\n`],
    ['with spaces around it', `  \t${SECRET} `],
    ['with a byte order mark', `\ufeff${SECRET}`],
    ['as nsec', NSEC],
    ['as nsec in upper case', `${NSEC.toUpperCase()}\n`],
  ])('reads it %s, and leaves the file as it is', async (_form, content) => {
    const folder = await folderWithKey(content)
    expect((await load(folder)).pubkey).toBe(PUBKEY)
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe(content)
  })

  it('reads it although something that can not be swept is beside it', async () => {
    const folder = await folderWithKey(SECRET)
    const odd = join(folder, '.key.0.tmp')
    mkdirSync(odd)
    utimesSync(odd, 0, 0)
    expect((await load(folder)).pubkey).toBe(PUBKEY)
  })

  it('reads it through a symbolic link', async () => {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, 'secret'), SECRET, { mode: 0o600 })
    symlinkSync('secret', join(folder, 'key'))
    expect((await load(folder)).pubkey).toBe(PUBKEY)
  })

  it('warns once when others may read it, and changes no mode', async () => {
    const folder = await folderWithKey(SECRET, 0o644)
    const { lines } = await load(folder)
    expect(lines.filter((line) => line.includes('mode 644'))).toHaveLength(1)
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o644)
  })

  it('logs no secret at any level', async () => {
    const { lines } = await load(await folderWithKey(NSEC))
    expect(lines.join('')).not.toContain(SECRET)
    expect(lines.join('')).not.toContain(NSEC)
  })
})

describe('loadOrCreateIdentity refuses, and leaves untouched', () => {
  it.each([
    ['an empty file', '', 'is empty'],
    ['white space alone', ' \n', 'is empty'],
    ['63 digits', SECRET.slice(1), 'no valid secret key'],
    ['65 digits', `${SECRET}0`, 'no valid secret key'],
    ['letters that are no hex digits', 'z'.repeat(64), 'no valid secret key'],
    ['the key zero', '0'.repeat(64), 'no valid secret key'],
    ['a key beyond the curve', 'f'.repeat(64), 'no valid secret key'],
    [
      'an encrypted key',
      'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p',
      'no valid secret key',
    ],
    [
      'an npub',
      'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg',
      'no valid secret key',
    ],
    ['two keys', `${SECRET}\n${SECRET}`, 'no valid secret key'],
    ['binary', new Uint8Array([0, 255, 254, 1]), 'no valid secret key'],
    ['ten megabytes', Buffer.alloc(10_000_000, 'a'), 'too large'],
  ])('%s', async (_reason, content, message) => {
    const folder = await folderWithKey(content)
    const error = await load(folder).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(StartError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message).not.toContain(SECRET.slice(1))
    expect(readFileSync(join(folder, 'key')).equals(Buffer.from(content))).toBe(true)
  })

  it('a directory', async () => {
    const folder = await temporaryFolder()
    mkdirSync(join(folder, 'key'))
    await expect(load(folder)).rejects.toThrow('must be a regular file')
  })

  it('a link to nowhere', async () => {
    const folder = await temporaryFolder()
    symlinkSync('nowhere', join(folder, 'key'))
    await expect(load(folder)).rejects.toThrow('link to a file that does not exist')
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('a link to itself', async () => {
    const folder = await temporaryFolder()
    symlinkSync('key', join(folder, 'key'))
    await expect(load(folder)).rejects.toThrow('ELOOP')
  })

  it('a FIFO, without waiting for a writer', async () => {
    const folder = await temporaryFolder()
    execFileSync('mkfifo', [join(folder, 'key')])
    await expect(load(folder)).rejects.toThrow('must be a regular file')
  })

  it('a DATA_DIR where no folder can be made', async () => {
    await expect(load('/proc/nope/data')).rejects.toThrow("can't be read or created (ENOENT)")
  })

  it('a DATA_DIR that is a file', async () => {
    const path = join(await temporaryFolder(), 'data')
    writeFileSync(path, '')
    await expect(load(path)).rejects.toThrow('DATA_DIR is not a directory')
  })
})

describe('readIdentity', () => {
  const warnings: string[] = []
  const read = (folder: string) => readIdentity(folder, (warning) => warnings.push(warning))

  it('reads a key, and leaves the file as it is', async () => {
    const folder = await folderWithKey(`${NSEC}\n`)
    expect(await read(folder)).toMatchObject({ pubkey: PUBKEY })
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe(`${NSEC}\n`)
  })

  it('makes neither a key nor a folder where there is none', async () => {
    const folder = await temporaryFolder()
    expect(await read(join(folder, 'a', 'b'))).toBeUndefined()
    expect(await read(folder)).toBeUndefined()
    expect(readdirSync(folder)).toEqual([])
  })

  it('tells of a key that others may read', async () => {
    await read(await folderWithKey(SECRET, 0o640))
    expect(warnings.at(-1)).toMatch(/has mode 640: .*chmod 600/)
  })

  it('leaves temporary files of crashed starts where they are', async () => {
    const folder = await folderWithKey(SECRET)
    writeFileSync(join(folder, '.key.0.tmp'), '')
    utimesSync(join(folder, '.key.0.tmp'), 0, 0)
    await read(folder)
    expect(readdirSync(folder).sort()).toEqual(['.key.0.tmp', 'key'])
  })

  it.each([
    ['an empty file', '', /^Restore the key/],
    ['something that is no key', 'hunter2', /^Restore it/],
    ['a file that is too large', 'a'.repeat(5000), /^Restore it/],
  ])('refuses %s, and says what to do', async (_what, content, nextStep) => {
    const error = await read(await folderWithKey(content)).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(StartError)
    expect((error as StartError).nextStep).toMatch(nextStep)
  })

  it('refuses a link to nowhere, a directory, and a DATA_DIR that is a file', async () => {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    await expect(read(join(folder, 'file'))).rejects.toThrow('DATA_DIR is not a directory')
    symlinkSync('nowhere', join(folder, 'key'))
    await expect(read(folder)).rejects.toThrow('link to a file that does not exist')
    mkdirSync(join(folder, 'other', 'key'), { recursive: true })
    await expect(read(join(folder, 'other'))).rejects.toThrow('must be a regular file')
  })

  it.skipIf(process.getuid?.() === 0)('refuses a folder where none can be made', async () => {
    const folder = await temporaryFolder()
    chmodSync(folder, 0o500)
    const error = await read(join(folder, 'data')).catch((caught: unknown) => caught)
    expect((error as StartError).message).toContain('no right to read or create it')
  })
})
