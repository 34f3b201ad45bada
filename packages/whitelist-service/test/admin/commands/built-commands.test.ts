import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtFile } from '@dstack-node/testbed/built-program'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it, vi } from 'vitest'
import { getJson, start } from '../../_program.js'
import { readAudit } from '../_lists.js'
import { documentOf, openShell } from './_shell.js'

const PATIENCE = { timeout: 30_000, interval: 20 }
const NAMES = ['check', 'add', 'remove', 'ban', 'unban', 'list', 'lint']
const [one, two] = [makeKey(), makeKey()]

describe('whitelist.js --help', () => {
  it('names each command and each variable', async () => {
    const { runBuilt } = await openShell()
    const { code, stdout } = await runBuilt(['--help'])
    expect(code).toBe(0)
    for (const name of NAMES) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    for (const name of [
      ...['WHITELIST_FILE', 'AUDIT_FILE', 'ADMIN_PUBKEYS', 'PUBLIC_URL', 'TRUSTED_PROXIES'],
      ...['AUTH_HOSTS', 'AUTH_PUBKEY_HEADER', 'AUTH_PUBKEY_QUERY'],
      ...['LISTEN_ADDR', 'LOG_LEVEL', 'LOG_FORMAT'],
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
    }
  })

  it.each(NAMES)('of %s tells its options and exit codes, and touches nothing', async (name) => {
    const { runBuilt, folder } = await openShell()
    const { code, stdout, stderr } = await runBuilt([name, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^node dist/whitelist.js ${name} `))
    expect(stdout).toMatch(/^ {2}--json /m)
    expect(stdout).toMatch(/^Exit code:\n {2}0 {2}/m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('whitelist.js with a command', () => {
  it('keeps a list from the first key to the last', async () => {
    const { runBuilt: run, folder } = await openShell()
    const steps: [string[], number, string][] = [
      [['check', one.npub], 3, ''],
      [['add', one.npub, '--label', 'a'], 0, `${one.npub}  added\n`],
      [['check', one.hex], 0, `✓  ${one.npub}  listed  a\n`],
      [['check', one.hex, two.hex], 1, `✗  ${two.npub}  not listed\n`],
      [['lint'], 0, 'nothing is doubtful'],
      [['ban', one.hex, '--reason', 'b'], 0, `${one.npub}  banned, removed from the list\n`],
      [['check', one.hex], 1, `✗  ${one.npub}  banned  b\n`],
      [['list', '--banned'], 0, `${one.npub}  b\n`],
      [['unban', one.hex], 0, `${one.npub}  ban lifted\n`],
      [['add', one.hex], 0, `${one.npub}  added\n`],
      [['list'], 0, `${one.npub}  listed   -\n`],
      [['remove', one.nprofile], 0, `${one.npub}  removed\n`],
      [['check', one.hex], 1, `✗  ${one.npub}  not listed\n`],
    ]
    for (const [args, code, stdout] of steps) {
      const result = await run(args)
      expect([args, result.code]).toEqual([args, code])
      expect(result.stdout).toContain(stdout)
    }
    expect(await readdir(folder)).toEqual(['audit.jsonl', 'whitelist.json'])
    expect(await readAudit(join(folder, 'audit.jsonl'))).toHaveLength(5)
  })

  it.each(NAMES)('prints one JSON document and nothing else: %s', async (name) => {
    const { runBuilt: run } = await openShell({ pubkeys: [one.npub, one.hex] })
    const result = await run([name, '--json', ...(/list|lint/.test(name) ? [] : [one.hex])])
    expect(result.stderr).toBe('')
    expect(documentOf(result)).toBeTypeOf('object')
  })

  it('reads keys from standard input', async () => {
    const { runBuilt: run } = await openShell()
    const input = `# machines\n${one.npub}\n${two.hex}  # the second\n`
    expect((await run(['add', '-'], { input })).code).toBe(0)
    expect((await run(['check', '-'], { input })).code).toBe(0)
  })

  it('works on the list that .env names', async () => {
    const { runBuilt: run, folder } = await openShell()
    await writeFile(join(folder, '.env'), 'WHITELIST_FILE=other.json\nAUDIT_FILE=log.jsonl\n')
    expect((await run(['add', one.hex])).code).toBe(0)
    expect((await readdir(folder)).sort()).toEqual(['.env', 'log.jsonl', 'other.json'])
  })

  it.each(NAMES)('is not stopped by a variable that only the service needs: %s', async (name) => {
    const { runBuilt: run } = await openShell({ pubkeys: [one.npub] })
    const env = { LISTEN_ADDR: 'hunter2', LOG_LEVEL: 'hunter2', ADMIN_PUBKEYS: 'hunter2' }
    const result = await run([name, ...(/list|lint/.test(name) ? [] : [one.hex])], { env })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect((await run([], { env })).code).toBe(1)
  })

  it('ends with 3 for a wrong configuration, unlike the service', async () => {
    const { runBuilt: run, folder } = await openShell()
    const env = { WHITELIST_FILE: one.nsec }
    const { code, stdout, stderr } = await run(['add', one.hex], { env })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/has a problem:\n {2}WHITELIST_FILE: holds a SECRET key/)
    expect((await run([], { env })).code).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it.each([['--hunter2'], ['--expires'], ['hunter2'], ['-']])(
    'ends with 2 for %s, which it does not repeat',
    async (arg) => {
      const { runBuilt: run, folder } = await openShell()
      const { code, stdout, stderr } = await run(['add', arg, '--json'], { input: 'hunter2' })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^whitelist-service: /)
      expect(stderr).not.toContain('hunter2')
      expect(await readdir(folder)).toEqual([])
    },
  )

  it('loses nothing when many are at it at once', async () => {
    const { runBuilt: run, text } = await openShell()
    const keys = Array.from({ length: 6 }, makeKey)
    const results = await Promise.all(keys.map(({ npub }) => run(['add', npub])))
    expect(results.map(({ code }) => code)).toEqual(keys.map(() => 0))
    const { pubkeys } = JSON.parse(await text()) as { pubkeys: string[] }
    expect(pubkeys.sort()).toEqual(keys.map(({ npub }) => npub).sort())
  })
})

describe('whitelist.js with a command while the service runs', () => {
  it('changes what the service says', async () => {
    const { runBuilt: run, folder } = await openShell()
    const url = await start({ cwd: folder }).url
    const says = (code: string) =>
      vi.waitFor(async () => {
        expect(await getJson(`${url}/api/check/${one.hex}`)).toMatchObject({ code })
      }, PATIENCE)
    await says('not_listed')
    await run(['add', one.npub])
    await says('listed')
    await run(['ban', one.hex])
    await says('banned')
    await run(['unban', one.hex])
    await says('not_listed')
  })
})

describe('whitelist.js with a secret key', () => {
  it.each([
    ['check', one.nsec],
    ['add', one.nsec],
    ['add', one.hex, '--label', one.nsec],
    ['ban', one.hex, `--reason=my ${one.nsec}`],
    ['add', one.hex, '--expires', one.nsec.toUpperCase()],
    ['remove', `nostr:${one.nsec}`],
    ['list', `--${one.nsec}`],
    ['lint', one.nsec, '--help'],
    [one.nsec],
    ['unban', '-'],
  ])('refuses it and never repeats it: %s', async (...args) => {
    const { runBuilt: run, folder } = await openShell()
    const { code, stdout, stderr } = await run([...args, '--json'], { input: one.nsec })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/SECRET key.*treat it as leaked/)
    expect(stderr.toLowerCase()).not.toContain(one.nsec.slice(5))
    expect(await readdir(folder)).toEqual([])
  })

  it('names it in the list and never repeats it', async () => {
    const { runBuilt: run } = await openShell({ pubkeys: [one.npub, two.nsec] })
    for (const [args, code] of [
      [['check', one.hex], 3],
      [['add', two.npub], 3],
      [['list'], 3],
      [['lint'], 1],
      [['lint', '--json'], 1],
    ] as const) {
      const result = await run(args)
      expect(result.code).toBe(code)
      expect(result.stdout + result.stderr).toContain('SECRET key')
      expect(result.stdout + result.stderr).not.toContain(two.nsec.slice(5))
    }
  })
})

describe('whitelist.js list', () => {
  const pubkeys = Array.from({ length: 20_000 }, () => randomBytes(32).toString('hex'))

  it('ends well when its reader goes', async () => {
    const { folder } = await openShell({ pubkeys })
    const child = spawn(process.execPath, [builtFile('whitelist'), 'list'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const closed = once(child, 'close')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await closed).toEqual([0, null])
    expect(stderr).toBe('')
  })

  it('prints a long list to the end', async () => {
    const { runBuilt: run } = await openShell({ pubkeys })
    expect((await run(['list'])).stdout.split('\n')).toHaveLength(20_002)
    expect(documentOf(await run(['list', '--json']))['keys']).toHaveLength(20_000)
  })

  it.runIf(process.platform === 'linux')('ends with 3 where the disk is full', async () => {
    const { folder } = await openShell({ pubkeys })
    const full = await open('/dev/full', 'w')
    const child = spawn(process.execPath, [builtFile('whitelist'), 'list'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', full.fd, 'pipe'],
    })
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    expect(await once(child, 'close')).toEqual([3, null])
    await full.close()
    expect(stderr).toBe("whitelist-service: the output can't be written (ENOSPC)\n")
  })
})
