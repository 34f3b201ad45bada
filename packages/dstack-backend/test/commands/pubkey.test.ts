import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { nip19 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { openShell, type Shell } from './_shell.js'

const key = makeKey()

async function openShellWithKey(content = key.nsec): Promise<Shell> {
  const shell = await openShell()
  await mkdir(join(shell.folder, 'data'))
  await writeFile(join(shell.folder, 'data', 'key'), content, { mode: 0o600 })
  return shell
}

describe('pubkey', () => {
  it('prints the key as hex and as npub, and changes nothing', async () => {
    const { run, files } = await openShellWithKey()
    const before = await files()
    expect(await run(['pubkey'])).toEqual({
      code: 0,
      stdout: `hex   ${key.hex}\nnpub  ${key.npub}\n`,
      stderr: '',
    })
    expect(await files()).toEqual(before)
  })

  it('prints it as JSON', async () => {
    const { run } = await openShellWithKey()
    const { code, stdout } = await run(['pubkey', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ pubkey: key.hex, npub: key.npub, created: false })
  })

  it('works whatever the other variables are', async () => {
    const { run } = await openShellWithKey()
    const env = { OWNER_ADDRESS: 'nonsense', DSTACK_URL: 'nonsense', LISTEN_ADDR: 'nonsense' }
    expect((await run(['pubkey'], env)).code).toBe(0)
  })

  it('finds the folder that .env names', async () => {
    const { run, folder } = await openShellWithKey()
    await writeFile(join(folder, '.env'), `DATA_DIR=${join(folder, 'data')}\n`)
    expect((await run(['pubkey'], { DATA_DIR: '' })).stdout).toContain(key.npub)
  })

  it('ends with 1 where there is no key, says how to get one, and makes none', async () => {
    const { run, files } = await openShell()
    const before = await files()
    const { code, stdout, stderr } = await run(['pubkey'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/key is not there yet: .*--create\n$/)
    expect(await files()).toEqual(before)
  })

  it('makes a key with --create, as a start does, and keeps it the next time', async () => {
    const { run, folder } = await openShell()
    const { code, stdout, stderr } = await run(['pubkey', '--create'])
    expect(code).toBe(0)
    const path = join(folder, 'data', 'key')
    const secret = await readFile(path, 'utf8')
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(stderr).toBe(`made a new key: ${path}\n`)
    expect(await run(['pubkey', '--create'])).toEqual({ code, stdout, stderr: '' })
    expect(await run(['pubkey'])).toEqual({ code, stdout, stderr: '' })
    for (const spelling of [secret, nip19.nsecEncode(Buffer.from(secret, 'hex'))]) {
      expect(stdout + stderr).not.toContain(spelling)
    }
  })

  it('tells by JSON whether it made the key', async () => {
    const { run } = await openShell()
    const made = JSON.parse((await run(['pubkey', '--create', '--json'])).stdout) as object
    expect(made).toMatchObject({ created: true })
    const kept = JSON.parse((await run(['pubkey', '--create', '--json'])).stdout) as object
    expect(kept).toEqual({ ...made, created: false })
  })

  it('gives many at once the same key', async () => {
    const { run } = await openShell()
    const results = await Promise.all(Array.from({ length: 10 }, () => run(['pubkey', '--create'])))
    expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1)
    expect(results.every(({ code }) => code === 0)).toBe(true)
  })

  it('warns that others may read the key', async () => {
    const { run, folder } = await openShellWithKey()
    await chmod(join(folder, 'data', 'key'), 0o644)
    const { code, stdout, stderr } = await run(['pubkey'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `hex   ${key.hex}\nnpub  ${key.npub}\n` })
    expect(stderr).toMatch(/^warning: .* has mode 644: /)
  })

  it.each([['pubkey'], ['pubkey', '--create']])(
    'ends with 3 for a broken key, which it neither repeats nor replaces: %s %s',
    async (...args) => {
      const { run, files } = await openShellWithKey('hunter2')
      const before = await files()
      const { code, stdout, stderr } = await run(args.filter(Boolean))
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(
        /is no valid secret key .*\ndstack-backend: what to do: Restore it .*\n$/,
      )
      expect(stderr).not.toContain('hunter2')
      expect(await files()).toEqual(before)
    },
  )

  it.each([['--hunter2'], ['hunter2']])('ends with 2 for %s', async (arg) => {
    const { run } = await openShellWithKey()
    const { code, stdout, stderr } = await run(['pubkey', arg])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/see pubkey --help\n$/)
    expect(stderr).not.toContain('hunter2')
  })
})
