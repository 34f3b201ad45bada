import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createGate, gpuCards, ODD_GPUS } from '@dstack-node/testbed'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { STEP_NAMES, type StepName } from '../../src/commands/step.js'
import { openMachine, OWNER, type Machine } from './_machine.js'

const reportSchema = z.strictObject({
  ok: z.boolean(),
  steps: z.array(
    z.strictObject({
      name: z.enum(STEP_NAMES),
      ok: z.boolean().nullable(),
      message: z.string().min(1),
      next_step: z.string().min(1).optional(),
    }),
  ),
})

/** Runs the command both ways, holds them against one another, and tells the steps of one name. */
async function look({ run, env }: Machine, name: StepName, extra: Record<string, string> = {}) {
  const text = await run(['check'], { ...env, ...extra })
  const json = await run(['check', '--json'], { ...env, ...extra })
  const { ok, steps } = reportSchema.parse(JSON.parse(json.stdout))
  expect([text.code, json.code]).toEqual(ok ? [0, 0] : [1, 1])
  expect(ok).toBe(!steps.some((step) => step.ok === false))
  for (const step of steps) {
    if (step.ok === false) expect(step.next_step).toBeDefined()
    expect(text.stdout.replaceAll(/ in \d+ ms/g, '')).toContain(
      step.message.replaceAll(/ in \d+ ms/g, ''),
    )
  }
  expect(text.stderr + json.stderr).toBe('')
  return steps.filter((step) => step.name === name)
}

describe('check where all is well', () => {
  it('says so line by line, and ends with 0', async () => {
    const { run, env, key, folder, vmm, registry, whitelistUrl } = await openMachine()
    const { code, stdout, stderr } = await run(['check'], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.replace(/in \d+ ms/, 'in N ms')).toBe(
      `✓ configuration  complete; registers with ${registry.url} as node-H200x1\n` +
        `✓ owner          ${OWNER}\n` +
        `✓ key            ${join(folder, 'data', 'key')} is ${key.npub}\n` +
        `✓ address        203.0.113.7, as ADVERTISE_IP says\n` +
        `✓ dstack         ${vmm.url} answers, in N ms\n` +
        `✓ gpus           1 × H200 SXM 141GB, as NODE_TYPE says\n` +
        `✓ registry       ${registry.url} answers\n` +
        `✓ permission     the registry lets this key write\n` +
        `✓ whitelist      ${whitelistUrl} lists this key\n`,
    )
  })

  it('says so as one JSON document', async () => {
    const { run, env } = await openMachine()
    const { code, stdout } = await run(['check', '--json'], env)
    expect(code).toBe(0)
    const report = reportSchema.parse(JSON.parse(stdout))
    expect(report.ok).toBe(true)
    expect(report.steps.map(({ name }) => name)).toEqual([...STEP_NAMES])
    expect(report.steps.every(({ ok, next_step }) => ok === true && next_step === undefined)).toBe(
      true,
    )
  })

  it('tells each step when it is known', async () => {
    const { start, env, registry } = await openMachine()
    const gate = createGate()
    registry.onPermission({ kind: 'gate', until: gate.until })
    const command = start(['check'], env)
    await vi.waitFor(() => {
      expect(command.stdout()).toContain('gpus')
    })
    await registry.received(1)
    expect(command.stdout()).not.toContain('registry ')
    gate.open()
    expect((await command.ended).code).toBe(0)
  })
})

describe('check changes nothing', () => {
  it('neither on the disk nor at the registry, where there is a key', async () => {
    const { run, env, files, registry, key } = await openMachine()
    registry.revoke(key.hex)
    const before = await files()
    await run(['check'], env)
    expect(await files()).toEqual(before)
    expect(registry.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  it('nor where there is none, nor a folder for it', async () => {
    const { run, env, files, registry, folder } = await openMachine()
    await rm(join(folder, 'data'), { recursive: true })
    const before = await files()
    expect((await run(['check'], env)).code).toBe(0)
    expect(await files()).toEqual(before)
    expect(registry.requests.map(({ method }) => method)).toEqual(['GET'])
    expect(registry.workers.size).toBe(0)
  })
})

describe('check of the configuration', () => {
  it('names all problems, and looks at nothing else', async () => {
    const machine = await openMachine()
    const steps = await look(machine, 'configuration', {
      OWNER_ADDRESS: '0x12',
      DSTACK_URL: 'ftp://hunter2',
    })
    expect(steps).toMatchObject([
      { ok: false, message: 'OWNER_ADDRESS: must have 40 hex digits after 0x, not 2' },
      { ok: false, message: 'DSTACK_URL: must start with http://, https:// or unix:' },
    ])
    expect(machine.registry.requests).toEqual([])
    expect(machine.vmm.calls).toBe(0)
  })

  it('has a line for each of the other steps all the same', async () => {
    const { run } = await openMachine()
    const { code, stdout } = await run(['check'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^✗ configuration {2}REGISTRY_URL: is required\n {17}→ Correct it /)
    for (const name of STEP_NAMES.slice(1)) {
      expect(stdout).toMatch(new RegExp(`^– ${name} +not looked at`, 'm'))
    }
  })

  it('tells that .env can not be read', async () => {
    const machine = await openMachine()
    await symlink('.env', join(machine.folder, '.env'))
    const steps = await look(machine, 'configuration')
    expect(steps).toMatchObject([{ ok: false, message: expect.stringContaining('.env') as string }])
  })
})

describe('check of the owner', () => {
  it('doubts a wrong checksum', async () => {
    const machine = await openMachine()
    const env = { OWNER_ADDRESS: OWNER.replace('0x5aA', '0x5AA') }
    expect(await look(machine, 'owner', env)).toMatchObject([
      { ok: true, message: expect.stringContaining('checksum') as string },
    ])
    expect((await machine.run(['check'], { ...machine.env, ...env })).stdout).toMatch(
      /^! owner .*\n {17}→ Set OWNER_ADDRESS /m,
    )
  })
})

describe('check of the key', () => {
  it('says how to get one where there is none, and skips what needs it', async () => {
    const machine = await openMachine()
    await rm(join(machine.folder, 'data', 'key'))
    const message = expect.stringMatching(/is not there yet: .* pubkey --create$/) as string
    expect(await look(machine, 'key')).toMatchObject([{ ok: null, message }])
    expect(await look(machine, 'registry')).toMatchObject([{ ok: true }])
    expect(await look(machine, 'permission')).toMatchObject([{ ok: null }])
    expect(await look(machine, 'whitelist')).toMatchObject([{ ok: null }])
  })

  it('refuses a broken one, and never repeats it', async () => {
    const machine = await openMachine()
    await writeFile(join(machine.folder, 'data', 'key'), 'hunter2')
    const steps = await look(machine, 'key')
    expect(steps).toMatchObject([
      { ok: false, next_step: expect.stringMatching(/^Restore/) as string },
    ])
    expect(JSON.stringify(steps)).not.toContain('hunter2')
  })

  it('refuses a link to nowhere', async () => {
    const machine = await openMachine()
    await rm(join(machine.folder, 'data', 'key'))
    await symlink('nowhere', join(machine.folder, 'data', 'key'))
    expect(await look(machine, 'key')).toMatchObject([
      { ok: false, next_step: 'Repair or remove the link.' },
    ])
  })

  it('refuses a DATA_DIR that is a file', async () => {
    const machine = await openMachine()
    const DATA_DIR = join(machine.folder, 'data', 'key')
    expect(await look(machine, 'key', { DATA_DIR })).toMatchObject([
      { ok: false, message: expect.stringContaining('DATA_DIR is not a directory') as string },
    ])
  })

  it('doubts one that others may read', async () => {
    const machine = await openMachine()
    await chmod(join(machine.folder, 'data', 'key'), 0o644)
    expect(await look(machine, 'key')).toMatchObject([
      { ok: true, next_step: expect.stringContaining('has mode 644') as string },
    ])
  })
})

describe('check of the address', () => {
  it('tells one, or what to do, where none is set', async () => {
    const machine = await openMachine()
    const [step] = await look(machine, 'address', { ADVERTISE_IP: '' })
    expect(step?.ok).toBe(true)
    expect(step?.message).toMatch(/\d, |ADVERTISE_IP|container|no address/)
  })
})

describe('check of DStack', () => {
  it('says what to do where nobody listens, and does not know the GPUs', async () => {
    const machine = await openMachine()
    await machine.vmm.stop()
    expect(await look(machine, 'dstack')).toMatchObject([
      {
        ok: false,
        message: `${machine.vmm.url}: DStack can not be reached (ECONNREFUSED)`,
        next_step: expect.stringMatching(/^Start the VMM/) as string,
      },
    ])
    expect(await look(machine, 'gpus')).toMatchObject([{ ok: null }])
  })

  it.each([
    ['is missing', {}, /^Set DSTACK_TOKEN or DSTACK_TOKEN_FILE /],
    ['is wrong', { DSTACK_TOKEN: 'hunter2' }, /^Compare DSTACK_TOKEN /],
    ['is in no file', { DSTACK_TOKEN_FILE: '/nowhere' }, /^Correct DSTACK_TOKEN_FILE/],
  ])('says what to do about a token that %s', async (_what, env, nextStep) => {
    const machine = await openMachine({ version: '0.6.0', token: 's3cret' })
    const steps = await look(machine, 'dstack', env)
    expect(steps).toMatchObject([
      { ok: false, next_step: expect.stringMatching(nextStep) as string },
    ])
    expect(JSON.stringify(steps)).not.toContain('hunter2')
  })

  it('sends the token', async () => {
    const machine = await openMachine({ version: '0.6.0', token: 's3cret' })
    const { code, stdout } = await machine.run(['check'], {
      ...machine.env,
      DSTACK_TOKEN: 's3cret',
    })
    expect(code).toBe(0)
    expect(stdout).not.toContain('s3cret')
  })

  it('repeats the error of the VMM on one line, without what would control a terminal', async () => {
    const machine = await openMachine()
    machine.vmm.behave({ kind: 'failure', message: 'no\u001b[31m\nlspci' })
    const [step] = await look(machine, 'dstack')
    expect(step).toMatchObject({ ok: false })
    expect(step?.message).toContain('lspci')
    expect(step?.message).not.toMatch(/\p{Cc}/u)
  })
})

describe('check of the GPUs', () => {
  it.each([
    ['fewer than EXPECTED_GPUS', { EXPECTED_GPUS: '8' }, gpuCards('H200', 7)],
    ['fewer than NODE_TYPE says', { NODE_TYPE: 'node-H200x8' }, gpuCards('H200', 7)],
    ['more', { EXPECTED_GPUS: 'H200x1' }, gpuCards('H200', 2)],
    ['of another model', { EXPECTED_GPUS: 'H100x2' }, gpuCards('H200', 2)],
    ['none', {}, []],
  ])('finds %s', async (_what, env, gpus) => {
    const machine = await openMachine()
    machine.vmm.setGpus(gpus)
    const steps = await look(machine, 'gpus', env)
    expect(steps.map(({ ok }) => ok)).toContain(false)
  })

  it('goes by EXPECTED_GPUS rather than by NODE_TYPE', async () => {
    const machine = await openMachine()
    machine.vmm.setGpus(gpuCards('H200', 2))
    expect(await look(machine, 'gpus', { EXPECTED_GPUS: 'H200x2' })).toMatchObject([
      { ok: true, message: '2 × H200 SXM 141GB, as EXPECTED_GPUS says' },
    ])
  })

  it('has nothing to hold them against where nobody says how many there should be', async () => {
    const machine = await openMachine()
    expect(await look(machine, 'gpus', { NODE_TYPE: 'mine' })).toMatchObject([
      { ok: null, message: expect.stringMatching(/^1 × H200 .*EXPECTED_GPUS/) as string },
    ])
  })

  it('shows nothing that controls a terminal', async () => {
    const machine = await openMachine()
    machine.vmm.setGpus([{ ...ODD_GPUS.strangeText, product_id: '1234:\u001b[31m' }])
    const { stdout } = await machine.run(['check'], machine.env)
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })
})

describe('check of the registry', () => {
  it('says what to do where nobody listens', async () => {
    const machine = await openMachine()
    await machine.registry.stop()
    expect(await look(machine, 'registry')).toMatchObject([
      {
        ok: false,
        message: expect.stringContaining('refused the connection') as string,
        next_step: 'Start the registry, or set REGISTRY_URL to where it listens.',
      },
    ])
    expect(await look(machine, 'permission')).toMatchObject([{ ok: null }])
  })

  it('says where a redirect points', async () => {
    const machine = await openMachine()
    const headers = { location: 'https://registry.example/' }
    machine.registry.onPermission({ kind: 'raw', status: 308, headers })
    expect(await look(machine, 'registry')).toMatchObject([
      { ok: false, next_step: 'Set REGISTRY_URL to where it points: https://registry.example/.' },
    ])
  })

  it.each([429, 500, 503])('does not believe an answer %i', async (status) => {
    const machine = await openMachine()
    machine.registry.onPermission({ kind: 'raw', status, body: '{"error":"over\\u001bloaded"}' })
    const [step] = await look(machine, 'registry')
    expect(step).toMatchObject({ ok: false })
    expect(step?.message).toContain(String(status))
    expect(step?.message).not.toMatch(/\p{Cc}/u)
  })
})

describe('check of the permission', () => {
  it('leaves the registration to the start', async () => {
    const machine = await openMachine()
    machine.registry.revoke(machine.key.hex)
    expect(await look(machine, 'permission')).toMatchObject([
      {
        ok: null,
        message: 'not registered yet (the registry answered 404 Not Found): the start does that',
      },
    ])
  })

  it('tells as what a start would register it where NODE_TYPE is auto', async () => {
    const machine = await openMachine()
    machine.registry.revoke(machine.key.hex)
    machine.vmm.setGpus(gpuCards('H200', 8))
    expect(await look(machine, 'permission', { NODE_TYPE: 'auto' })).toMatchObject([
      { ok: null, message: expect.stringContaining('as node-H200x8') as string },
    ])
  })

  it('finds GPUs that NODE_TYPE=auto can not name, unless it is registered already', async () => {
    const machine = await openMachine()
    machine.vmm.setGpus([...gpuCards('H200', 1), ...gpuCards('H100', 1)])
    expect(await look(machine, 'permission', { NODE_TYPE: 'auto' })).toMatchObject([{ ok: true }])
    machine.registry.revoke(machine.key.hex)
    expect(await look(machine, 'permission', { NODE_TYPE: 'auto' })).toMatchObject([
      { ok: false, next_step: expect.stringContaining('Set NODE_TYPE') as string },
    ])
  })

  it('waits for DStack where NODE_TYPE is auto', async () => {
    const machine = await openMachine()
    machine.registry.revoke(machine.key.hex)
    await machine.vmm.stop()
    expect(await look(machine, 'permission', { NODE_TYPE: 'auto' })).toMatchObject([
      { ok: null, message: expect.stringContaining('once DStack lists the GPUs') as string },
    ])
  })
})

describe('check of the whitelist', () => {
  it('has nothing to ask without WHITELIST_URL', async () => {
    const machine = await openMachine()
    expect(await look(machine, 'whitelist', { WHITELIST_URL: '' })).toEqual([
      { name: 'whitelist', ok: null, message: 'not asked: WHITELIST_URL is not set' },
    ])
  })

  it.each(['not_listed', 'banned', 'expired'])(
    'says what to do about a key that is %s',
    async (code) => {
      const machine = await openMachine()
      machine.answerWhitelist({ status: 403, body: JSON.stringify({ code }) })
      expect(await look(machine, 'whitelist')).toMatchObject([
        { ok: false, next_step: expect.stringContaining('public key') as string },
      ])
    },
  )

  it('says what to do where it is no whitelist', async () => {
    const machine = await openMachine()
    machine.answerWhitelist({ status: 200, body: 'hello' })
    expect(await look(machine, 'whitelist')).toMatchObject([
      { ok: false, next_step: expect.stringContaining('WHITELIST_URL') as string },
    ])
  })
})

describe('check', () => {
  it('comes to an end although nobody answers', async () => {
    const machine = await openMachine()
    machine.vmm.behave({ kind: 'hang' })
    machine.registry.onPermission({ kind: 'hang' })
    machine.answerWhitelist('hang')
    const { code, stdout } = await machine.run(['check'], machine.env)
    expect(code).toBe(1)
    for (const name of ['dstack', 'registry', 'whitelist']) {
      expect(stdout).toMatch(new RegExp(`^✗ ${name} `, 'm'))
    }
  })

  it.each([['--hunter2'], ['hunter2']])('ends with 2 for %s', async (arg) => {
    const { run, env, registry } = await openMachine()
    const { code, stdout, stderr } = await run(['check', arg], env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/see check --help\n$/)
    expect(stderr).not.toContain('hunter2')
    expect(registry.requests).toEqual([])
  })

  it('never tells the secret key', async () => {
    const { run, env, key } = await openMachine()
    const { stdout, stderr } = await run(['check'], env)
    expect(stdout + stderr).not.toContain(key.nsec.slice(5))
  })
})
