import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import {
  startSimulatedRegistry,
  startSimulatedVmm,
  type SimulatedRegistry,
  type SimulatedVmm,
} from '@dstack-node/testbed'
import {
  builtFile,
  runBuiltProgram,
  startBuiltProgram,
  type BuiltProgram,
} from '@dstack-node/testbed/built-program'
import { nsecEncode } from 'nostr-tools/nip19'
import { getPublicKey } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

let registry: SimulatedRegistry
let vmm: SimulatedVmm
beforeEach(async () => {
  registry = await startSimulatedRegistry()
  vmm = await startSimulatedVmm()
})
afterEach(() => Promise.all([registry.close(), vmm.close()]))

function environment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    LISTEN_ADDR: '127.0.0.1:0',
    REGISTRY_URL: registry.url,
    DSTACK_URL: vmm.url,
    OWNER_ADDRESS: OWNER,
    ...extra,
  }
}

function start(cwd: string, extra?: Record<string, string>): BuiltProgram {
  const program = startBuiltProgram('backend', { cwd, env: environment(extra) })
  onTestFinished(async () => {
    program.child.kill('SIGKILL')
    await program.exited
  })
  return program
}

function run(cwd: string, extra?: Record<string, string>) {
  return runBuiltProgram('backend', { cwd, env: environment(extra) })
}

async function health(url: string) {
  const response = await fetch(`${url}/health`)
  const body = (await response.json()) as { pubkeys: string[]; status: string; metadata: string }
  return { status: response.status, body }
}

describe('dist/backend.js', () => {
  it('makes a key, registers, listens, and tells about the GPUs', async () => {
    const folder = await temporaryFolder()
    const url = await start(folder).url
    const { status, body } = await health(url)
    const secret = readFileSync(join(folder, 'data', 'key'), 'utf8')
    expect(status).toBe(200)
    expect(body.pubkeys).toEqual([getPublicKey(Buffer.from(secret, 'hex'))])
    expect(JSON.parse(body.metadata)).toMatchObject({ gpu_count: 1, allow_attach_all: true })
    expect(registry.workers.get(body.pubkeys[0] ?? '')).toMatchObject({ owner: OWNER })
  })

  it('opens no port before it is registered', async () => {
    let open: () => void = () => undefined
    const until = new Promise<void>((resolve) => (open = resolve))
    registry.onRegister({ kind: 'gate', until })
    const program = start(await temporaryFolder())
    await registry.received(2)
    expect(program.output()).not.toContain('listening')
    open()
    await program.url
  })

  it('keeps its key over a restart, and does not post again', async () => {
    const folder = await temporaryFolder()
    const first = start(folder)
    const { body } = await health(await first.url)
    await first.stop()
    const { body: again } = await health(await start(folder).url)
    expect(again.pubkeys).toEqual(body.pubkeys)
    expect(registry.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET'])
  })

  it('answers 503 while DStack is down, stays up, and heals', async () => {
    await vmm.stop()
    const url = await start(await temporaryFolder()).url
    const down = await health(url)
    expect(down.status).toBe(503)
    expect(down.body.metadata).toBe('Error: DStack can not be reached')
    await vmm.start()
    await expect.poll(async () => (await health(url)).status, { timeout: 30_000 }).toBe(200)
  })

  it('reads the VMM through a Unix socket', async () => {
    const folder = await temporaryFolder()
    const socketVmm = await startSimulatedVmm({ listen: { socketPath: join(folder, 'vmm.sock') } })
    onTestFinished(() => socketVmm.close())
    const url = await start(folder, { DSTACK_URL: socketVmm.url }).url
    expect((await health(url)).status).toBe(200)
  })

  it('sends the owner in EIP-55 form, and warns of a wrong checksum', async () => {
    const program = start(await temporaryFolder(), {
      OWNER_ADDRESS: OWNER.replace('0x5aA', '0x5AA'),
    })
    await program.url
    expect([...registry.workers.values()][0]?.owner).toBe(OWNER)
    expect(program.output()).toContain('case of its digits')
  })

  it('runs from its own package and copied alone to another folder', async () => {
    const folder = await temporaryFolder()
    const copy = join(folder, 'somewhere', 'backend.js')
    mkdirSync(join(folder, 'somewhere'))
    cpSync(builtFile('backend'), copy)
    const packaged = join(builtFile('backend'), '../../packages/dstack-backend/dist/backend.js')
    for (const file of [copy, packaged]) {
      const program = startBuiltProgram('backend', { file, cwd: folder, env: environment() })
      await program.url
      await program.stop()
      expect((await program.exited).code).toBe(0)
    }
  })

  it('reads .env in its working directory, under the environment', async () => {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, '.env'), `NODE_TYPE=node-B200x8\nOWNER_ADDRESS=nonsense\n`)
    await start(folder).url
    expect([...registry.workers.values()]).toMatchObject([
      { node_type: 'node-B200x8', owner: OWNER },
    ])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('exits 0 at %s', async (signal) => {
    const program = start(await temporaryFolder())
    await program.url
    program.child.kill(signal)
    expect((await program.exited).code).toBe(0)
  })

  it('exits 0 at SIGTERM while it still tries to register', async () => {
    registry.onPermission({ kind: 'hang' })
    const program = start(await temporaryFolder(), { REGISTRATION_TIMEOUT_MS: '3600000' })
    await registry.received(1)
    program.child.kill('SIGTERM')
    expect((await program.exited).code).toBe(0)
    expect(program.output()).not.toContain('listening')
  })

  it('never prints the secret, in any spelling, at any level', async () => {
    const folder = await temporaryFolder()
    const program = start(folder, { LOG_LEVEL: 'trace' })
    const url = await program.url
    await vmm.stop()
    const hex = readFileSync(join(folder, 'data', 'key'), 'utf8')
    const bytes = Buffer.from(hex, 'hex')
    const spellings = [
      hex,
      hex.toUpperCase(),
      nsecEncode(bytes),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.join(','),
      bytes.join(', '),
    ]
    let answers = ''
    for (const path of ['/', '/health', '/data/key', `/health?key=${nsecEncode(bytes)}`, '/%zz']) {
      answers += await (await fetch(url + path)).text()
    }
    await program.stop()
    for (const spelling of spellings) {
      expect(program.output()).not.toContain(spelling)
      expect(answers).not.toContain(spelling)
    }
  })
})

/** Runs a command and tells the exit code and what it printed. */
function command(cwd: string, args: readonly string[], extra?: Record<string, string>) {
  return runBuiltProgram('backend', { cwd, args, env: environment(extra) })
}

describe('dist/backend.js with a command', () => {
  it('names each command and each variable in --help, and touches nothing', async () => {
    const folder = await temporaryFolder()
    const { code, output } = await runBuiltProgram('backend', { cwd: folder, args: ['--help'] })
    expect(code).toBe(0)
    for (const name of [
      ...['check', 'pubkey', 'REGISTRY_URL', 'OWNER_ADDRESS', 'NODE_TYPE', 'EXPECTED_GPUS'],
      ...['DSTACK_URL', 'DSTACK_BACKEND_DSTACK_URL', 'DSTACK_TOKEN', 'DSTACK_TOKEN_FILE'],
      ...['WHITELIST_URL', 'ADVERTISE_IP', 'DATA_DIR', 'REGISTRATION_TIMEOUT_MS'],
      ...['LISTEN_ADDR', 'LOG_LEVEL', 'LOG_FORMAT'],
    ]) {
      expect(output).toMatch(new RegExp(`^  ${name} .*\\S`, 'm'))
    }
    for (const line of output.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(['check', 'pubkey'])('tells the options and exit codes of %s', async (name) => {
    const { code, output } = await runBuiltProgram('backend', { args: [name, '--help'] })
    expect(code).toBe(0)
    expect(output).toMatch(new RegExp(`^node dist/backend.js ${name} `))
    expect(output).toMatch(/^ {2}--json /m)
    expect(output).toMatch(/^Exit code:\n {2}0 {2}/m)
    for (const line of output.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  it('goes from check over pubkey and the first start to a check where all is well', async () => {
    const folder = await temporaryFolder()
    const env = { NODE_TYPE: 'node-H200x1', ADVERTISE_IP: '203.0.113.7' }
    const before = await command(folder, ['check'], env)
    expect(before.code).toBe(0)
    expect(before.output).toMatch(/^– key .*pubkey --create$/m)
    expect(readdirSync(folder)).toEqual([])
    expect((await command(folder, ['pubkey'])).code).toBe(1)
    const made = await command(folder, ['pubkey', '--create', '--json'])
    const { pubkey } = JSON.parse(made.output.replace(/^made .*\n/m, '')) as { pubkey: string }
    expect((await command(folder, ['check'], env)).output).toMatch(
      /^– permission +not registered yet/m,
    )
    expect(registry.workers.size).toBe(0)
    await start(folder, env).url
    expect([...registry.workers.keys()]).toEqual([pubkey])
    expect((await command(folder, ['check'], env)).output).toMatch(/^✓ permission /m)
  })

  it('checks beside the service that runs, and leaves its port alone', async () => {
    const folder = await temporaryFolder()
    const url = await start(folder).url
    const env = { LISTEN_ADDR: new URL(url).host, NODE_TYPE: 'node-H200x1' }
    const { code, output } = await command(folder, ['check', '--json'], env)
    expect(code).toBe(0)
    expect(JSON.parse(output)).toMatchObject({ ok: true })
    expect((await health(url)).status).toBe(200)
  })

  it('checks a machine where nothing is right, and says so at each step', async () => {
    const folder = await temporaryFolder()
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data', 'key'), 'hunter2')
    await Promise.all([registry.stop(), vmm.stop()])
    const { code, output } = await command(folder, ['check'], { WHITELIST_URL: registry.url })
    expect(code).toBe(1)
    for (const name of ['key', 'dstack', 'registry']) {
      expect(output).toMatch(new RegExp(`^✗ ${name} .*\\n {17}→ [A-Z]`, 'm'))
    }
    expect(output).not.toContain('hunter2')
    expect(readFileSync(join(folder, 'data', 'key'), 'utf8')).toBe('hunter2')
  })

  it('checks a configuration that is wrong', async () => {
    const folder = await temporaryFolder()
    const { code, output } = await runBuiltProgram('backend', { cwd: folder, args: ['check'] })
    expect(code).toBe(1)
    expect(output).toMatch(/^✗ configuration +REGISTRY_URL: is required$/m)
    expect(output).toMatch(/^✗ configuration +OWNER_ADDRESS: is required$/m)
    expect(output).toMatch(/^– whitelist /m)
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([['check'], ['pubkey']])('refuses with 2 what %s does not know', async (name) => {
    const { code, output } = await runBuiltProgram('backend', { args: [name, '--hunter2'] })
    expect(code).toBe(2)
    expect(output).toBe(`dstack-backend: an option is not known; see ${name} --help\n`)
  })
})

describe('dist/backend.js ends with what to do when it can not start', () => {
  const lastLine = (output: string) => output.trim().split('\n').at(-1)

  it('with a wrong configuration', async () => {
    const { output } = await runBuiltProgram('backend', { cwd: await temporaryFolder() })
    expect(lastLine(output)).toMatch(/^dstack-backend: what to do: Correct what is named here/)
  })

  it('with a bad key', async () => {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, 'key'), 'hunter2')
    const { output } = await run(folder, { DATA_DIR: folder })
    expect(lastLine(output)).toBe(
      'dstack-backend: what to do: Restore it from a backup, or move the file away to get a new one.',
    )
  })

  it.each([
    [403, "Ask the registry's operator to admit this owner."],
    [400, 'Correct OWNER_ADDRESS or NODE_TYPE.'],
    [503, "Wait and try again; if it lasts, ask the registry's operator."],
  ])('when the registry answers %i', async (status, nextStep) => {
    registry.onRegister({ kind: 'raw', status })
    const { output } = await run(await temporaryFolder(), { REGISTRATION_TIMEOUT_MS: '500' })
    expect(lastLine(output)).toBe(`dstack-backend: what to do: ${nextStep}`)
  })

  it('when nobody is the registry', async () => {
    await registry.stop()
    const { output } = await run(await temporaryFolder(), { REGISTRATION_TIMEOUT_MS: '500' })
    expect(lastLine(output)).toBe(
      'dstack-backend: what to do: Start the registry, or set REGISTRY_URL to where it listens.',
    )
  })
})

describe('dist/backend.js refuses to start, with exit code 1 and one reason', () => {
  it('without REGISTRY_URL and OWNER_ADDRESS, naming both, and makes no key', async () => {
    const folder = await temporaryFolder()
    const { code, output } = await runBuiltProgram('backend', { cwd: folder })
    expect(code).toBe(1)
    expect(output).toBe(
      'dstack-backend: the configuration has 2 problems:\n  REGISTRY_URL: is required\n  OWNER_ADDRESS: is required\n' +
        'dstack-backend: what to do: Correct what is named here, in the environment or in .env (the environment wins); see --help.\n',
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('when the registry refuses it, in the registry’s own words', async () => {
    registry.onRegister({ kind: 'raw', status: 403, body: '{"error":"owner is not admitted"}' })
    const { code, output } = await run(await temporaryFolder())
    expect(code).toBe(1)
    expect(output).toContain('registration failed: the registry answered 403 Forbidden')
    expect(output).toContain('owner is not admitted')
    expect(output).not.toContain('listening')
  })

  it('when the time to register is up', async () => {
    registry.onRegister({ kind: 'raw', status: 503 })
    const { code, output } = await run(await temporaryFolder(), { REGISTRATION_TIMEOUT_MS: '500' })
    expect(code).toBe(1)
    expect(output).toContain('gave up after 500 ms')
  })

  it('when the registry hangs', async () => {
    registry.onPermission({ kind: 'hang' })
    registry.onRegister({ kind: 'hang' })
    const { code, output } = await run(await temporaryFolder(), { REGISTRATION_TIMEOUT_MS: '500' })
    expect(code).toBe(1)
    expect(output).toContain('did not answer in time')
  })

  it('with a bad key, which stays as it is, before it calls anybody', async () => {
    const folder = await temporaryFolder()
    writeFileSync(join(folder, 'key'), 'not a key', { mode: 0o600 })
    const { code, output } = await run(folder, { DATA_DIR: folder })
    expect(code).toBe(1)
    expect(output).toContain('is no valid secret key')
    expect(output).not.toContain('not a key')
    expect(readFileSync(join(folder, 'key'), 'utf8')).toBe('not a key')
    expect(registry.requests).toHaveLength(0)
  })

  it('on a port in use, with one line', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const { code, output } = await run(await temporaryFolder(), {
      LISTEN_ADDR: `127.0.0.1:${port}`,
    })
    taken.close()
    expect(code).toBe(1)
    const lines = output.trim().split('\n')
    expect(lines.at(-1)).toBe(
      `dstack-backend: 127.0.0.1:${port} is already in use: stop the program that listens there, or set another LISTEN_ADDR`,
    )
    expect(lines.filter((line) => line.includes('in use'))).toHaveLength(1)
  })

  it('with an unknown argument, exit code 2', async () => {
    const { code, output } = await runBuiltProgram('backend', { args: ['--prot', '1'] })
    expect(code).toBe(2)
    expect(output).toBe('dstack-backend: an option is not known; see --help\n')
  })
})

/** What can be seen from outside while the key comes into being. */
const MOMENTS: Record<string, (data: string, requestsSeen: number) => boolean> = {
  'at the very beginning': () => true,
  'when the folder appears': (data) => existsSync(data),
  'when a first file appears': (data) => existsSync(data) && readdirSync(data).length > 0,
  'when the key appears': (data) => existsSync(join(data, 'key')),
  'when it asks the registry': (_data, requestsSeen) => requestsSeen > 0,
}

describe('dist/backend.js with many starts and sudden ends', () => {
  it('gives fifty first starts on one DATA_DIR the same key', async () => {
    const folder = await temporaryFolder()
    const programs = Array.from({ length: 50 }, () =>
      start(folder, { REGISTRATION_TIMEOUT_MS: '60000' }),
    )
    const pubkeys = await Promise.all(
      programs.map(async ({ url }) => (await health(await url)).body.pubkeys[0]),
    )
    expect(new Set(pubkeys).size).toBe(1)
    expect(readdirSync(join(folder, 'data'))).toEqual(['key'])
  })

  it.each(Object.entries(MOMENTS))(
    'leaves a whole key or none when it is killed %s of its first start, time and again',
    async (_moment, reached) => {
      for (let round = 0; round < 10; round += 1) {
        const folder = await temporaryFolder()
        const data = join(folder, 'data')
        const before = registry.requests.length
        const seen = () => registry.requests.length - before
        const program = start(folder)
        while (program.child.exitCode === null && !reached(data, seen())) await nextTurn()
        program.child.kill('SIGKILL')
        await program.exited
        expectWholeKeyOrNone(join(data, 'key'))
      }
    },
  )
})

function expectWholeKeyOrNone(path: string): void {
  if (!existsSync(path)) return
  expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}$/)
  expect(statSync(path).mode & 0o777).toBe(0o600)
}

/** Gives way to everything that waits, and comes back at once. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
