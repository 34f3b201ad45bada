import { execFileSync } from 'node:child_process'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startSimulatedRegistry } from '@dstack-node/testbed'
import { canMount, makeReadOnly, mountSmallDisk } from '@dstack-node/testbed/test-tools/mounts'
import { makeKey, type TestKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  asNobody,
  endOf,
  launchAgent,
  logOf,
  startAgent,
  type Agent,
  type AgentOptions,
  type Test,
} from './_agent.js'

/** An agent and its registry, before the agent listens. */
async function launch(test: Test, { env, ...options }: Partial<AgentOptions>) {
  const registry = await startSimulatedRegistry()
  test.onTestFinished(() => registry.close())
  const variables = { REGISTRY_URL: registry.url, ...env }
  return { registry, agent: await launchAgent(test, { env: variables, ...options }) }
}

/** Everything about what has that name: it must be the same before and after. */
async function look(path: string) {
  const stats = await lstat(path)
  const content = stats.isFile() ? (await readFile(path)).toString('base64') : undefined
  const target = stats.isSymbolicLink() ? await readlink(path) : undefined
  return { mode: stats.mode, ino: stats.ino, mtimeMs: stats.mtimeMs, content, target }
}

async function pubkeyOf(agent: Agent): Promise<string> {
  const { text } = await agent.ask('/health')
  return (JSON.parse(text) as { pubkeys: [string] }).pubkeys[0]
}

type Place = (path: string, hex: string, key: TestKey) => Promise<unknown>

const write =
  (form: (hex: string, key: TestKey) => string | Uint8Array): Place =>
  (path, hex, key) =>
    writeFile(path, form(hex, key), { mode: 0o600 })

const ACCEPTED: Record<string, Place> = {
  'a newline': write((hex) => `${hex}\n`),
  'a Windows newline': write((hex) => `${hex}\r\n`),
  'a byte order mark': write((hex) => `\ufeff${hex}`),
  'spaces around it': write((hex) => ` \t${hex}  `),
  'upper case': write((hex) => hex.toUpperCase()),
  'the form nsec': write((_hex, { nsec }) => `${nsec}\n`),
  'a link to it, as Kubernetes mounts secrets': async (path, hex) => {
    const folder = join(dirname(path), '..data')
    await mkdir(folder)
    await writeFile(join(folder, 'key'), hex, { mode: 0o600 })
    await symlink('..data/key', path)
  },
}

describe.concurrent('the agent starts from a key file with', () => {
  it.for(Object.entries(ACCEPTED))('%s, and leaves it as it is', async ([, place], test) => {
    const key = makeKey()
    let before
    const placeKey = async (path: string, hex: string) => {
      await place(path, hex, key)
      before = await look(path)
    }
    const { agent } = await launch(test, { key, placeKey })
    expect(await pubkeyOf(agent)).toBe(key.hex)
    expect(await look(join(agent.folder, 'data', 'key'))).toEqual(before)
  })

  it('mode 644, warns once, and leaves it as it is', async (test) => {
    const placeKey = (path: string, hex: string) => writeFile(path, hex, { mode: 0o644 })
    const { agent } = await launch(test, { placeKey })
    await agent.url
    const warned = logOf(agent).filter(({ msg }) => String(msg).includes('has mode 644'))
    expect(warned).toMatchObject([{ level: 'warn', msg: /chmod 600 unless that is meant$/ }])
    expect((await look(join(agent.folder, 'data', 'key'))).mode & 0o777).toBe(0o644)
  })
})

const NO_KEY = /is no valid secret key \(64 hex digits or an nsec\)$/
const RESTORE = /Restore it from a backup, or move the file away to get a new one\.$/
const NO_FILE = /must be a regular file that holds the key$/

const REFUSED: Record<string, [place: Place, reason: RegExp, nextStep: RegExp]> = {
  'an empty file': [
    write(() => ''),
    /is empty, which an interrupted older/,
    /Restore the key from/,
  ],
  '63 digits': [write((hex) => hex.slice(1)), NO_KEY, RESTORE],
  '65 digits': [write((hex) => `${hex}0`), NO_KEY, RESTORE],
  'letters that are no hex digits': [write((hex) => hex.replace(/^../, 'xy')), NO_KEY, RESTORE],
  'the key zero': [write(() => '0'.repeat(64)), NO_KEY, RESTORE],
  'the order of the curve': [
    write(() => 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
    NO_KEY,
    RESTORE,
  ],
  ncryptsec1: [write(() => `ncryptsec1${'q'.repeat(150)}`), NO_KEY, RESTORE],
  npub1: [write((_hex, { npub }) => npub), NO_KEY, RESTORE],
  'binary content': [write((hex) => Buffer.from(hex, 'hex')), NO_KEY, RESTORE],
  '10 MB': [write((hex) => hex.repeat(160_000)), /is too large to be a key$/, RESTORE],
  'a directory': [(path) => mkdir(path), NO_FILE, /Move away what has that name and put the key/],
  'a link to nowhere': [
    (path) => symlink('nowhere', path),
    /is a link to a file that does not exist$/,
    /Repair or remove the link\.$/,
  ],
  'a FIFO that nobody writes to': [
    async (path) => execFileSync('mkfifo', [path]),
    NO_FILE,
    /Move away what has that name/,
  ],
}

describe.concurrent('the agent ends with 1 and asks nobody where the key file is', () => {
  it.for(Object.entries(REFUSED))('%s, which stays as it is', async ([, row], test) => {
    const [place, reason, nextStep] = row
    const key = makeKey()
    let before
    const placeKey = async (path: string, hex: string) => {
      await place(path, hex, key)
      before = await look(path)
    }
    const { agent, registry } = await launch(test, { key, placeKey })
    const end = await endOf(agent)
    expect([end.code, end.told.length]).toEqual([1, 2])
    expect(end.reason).toMatch(/^dstack-backend: data\/key: /)
    expect(end.reason).toMatch(reason)
    expect(end.nextStep).toMatch(/^dstack-backend: what to do: /)
    expect(end.nextStep).toMatch(nextStep)
    expect(await look(join(agent.folder, 'data', 'key'))).toEqual(before)
    expect(await readdir(join(agent.folder, 'data'))).toEqual(['key'])
    expect(registry.requests).toEqual([])
  })
})

const none = async () => undefined

describe.concurrent('the agent ends with 1 and asks nobody where DATA_DIR', () => {
  it('may not be written to and has no key', async (test) => {
    const placeKey = (path: string) => chmod(dirname(path), 0o555)
    const { agent, registry } = await launch(test, { ...(await asNobody()), placeKey })
    const { code, reason, nextStep } = await endOf(agent)
    expect(code).toBe(1)
    expect(reason).toBe('dstack-backend: data/key: no right to read or create it')
    expect(nextStep).toContain('Give this user access, or set DATA_DIR.')
    expect(registry.requests).toEqual([])
  })

  it('has a key that another user made', async (test) => {
    const placeKey = async (path: string, hex: string) => {
      await writeFile(path, hex)
      await chmod(path, 0)
    }
    const { agent, registry } = await launch(test, { ...(await asNobody()), placeKey })
    const { code, reason } = await endOf(agent)
    expect(code).toBe(1)
    expect(reason).toBe('dstack-backend: data/key: no right to read or create it')
    expect(registry.requests).toEqual([])
  })
})

describe.skipIf(!canMount)('the agent, where DATA_DIR is on a file system', () => {
  const here: Test = { onTestFinished }

  it('that is read-only, ends with 1 without a key, and starts with one', async () => {
    const [empty, full] = [await mountSmallDisk(64), await mountSmallDisk(64)]
    const { key, hex } = { key: makeKey(), hex: 'b7'.repeat(32) }
    await writeFile(join(full, 'key'), hex, { mode: 0o600 })
    for (const disk of [empty, full]) makeReadOnly(disk)
    const { agent, registry } = await launch(here, {
      env: { DATA_DIR: empty },
      placeKey: none,
      key,
    })
    const { code, reason, nextStep } = await endOf(agent)
    expect(code).toBe(1)
    expect(reason).toContain("can't be created on a read-only file system")
    expect(nextStep).toContain('Mount it writable, or set DATA_DIR.')
    expect(registry.requests).toEqual([])
    const env = { REGISTRY_URL: registry.url, DATA_DIR: full }
    await startAgent(here, { env, placeKey: none, secrets: [hex] })
  })

  it('that is full, ends with 1, leaves nothing behind, and starts when there is room', async () => {
    const disk = await mountSmallDisk(64)
    const filler = join(disk, 'filler')
    await writeFile(filler, Buffer.alloc(1024 * 1024)).catch(() => undefined)
    const { agent, registry } = await launch(here, { env: { DATA_DIR: disk }, placeKey: none })
    const { code, reason, nextStep } = await endOf(agent)
    expect(code).toBe(1)
    expect(reason).toContain("can't be created, the disk is full; no partial key was left")
    expect(nextStep).toContain('Make room on it.')
    expect(await readdir(disk)).toEqual(['filler'])
    expect(registry.requests).toEqual([])
    await writeFile(filler, '')
    const env = { REGISTRY_URL: registry.url, DATA_DIR: disk }
    await startAgent(here, { env, placeKey: none })
    expect(await readFile(join(disk, 'key'), 'utf8')).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('the agent, where there is no key yet', () => {
  const here: Test = { onTestFinished }

  it('makes one beside what a start left that was killed between writing and linking', async () => {
    const left = ['.key.0a.tmp', '.key.0b.tmp']
    const placeKey = async (path: string, hex: string) => {
      for (const name of left) await writeFile(join(dirname(path), name), hex, { mode: 0o600 })
      // This one has been there for hours.
      await utimes(join(dirname(path), '.key.0b.tmp'), 0, 0)
    }
    const { agent } = await launch(here, { placeKey })
    const made = await pubkeyOf(agent)
    expect(made).not.toBe(agent.key.hex)
    expect((await readdir(join(agent.folder, 'data'))).sort()).toEqual(['.key.0a.tmp', 'key'])
  })

  it('makes one for eight that start at once, which the registry gets to know once', async () => {
    const registry = await startSimulatedRegistry()
    onTestFinished(() => registry.close())
    const env = {
      REGISTRY_URL: registry.url,
      REGISTRATION_TIMEOUT_MS: '60000',
      DATA_DIR: join(await temporaryFolder(), 'data'),
    }
    const agents = await Promise.all(
      Array.from({ length: 8 }, () => startAgent(here, { env, placeKey: none })),
    )
    const pubkeys = new Set(await Promise.all(agents.map(pubkeyOf)))
    expect([...registry.workers.keys()]).toEqual([...pubkeys])
    expect(pubkeys.size).toBe(1)
    expect(await readdir(env.DATA_DIR)).toEqual(['key'])
  })
})
