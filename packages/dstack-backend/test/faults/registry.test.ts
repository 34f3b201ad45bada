import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createGate,
  makeCertificate,
  startSimulatedRegistry,
  type CertificateOptions,
  type RegistryBehaviour,
  type SimulatedRegistry,
  type SimulatedRegistryOptions,
} from '@dstack-node/testbed'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { canMount } from '@dstack-node/testbed/test-tools/mounts'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import {
  endOf,
  eventually,
  launchAgent,
  logOf,
  startAgent,
  type Agent,
  type Test,
} from './_agent.js'

const PATIENT = { REGISTRATION_TIMEOUT_MS: '60000' }
const HASTY = { REGISTRATION_TIMEOUT_MS: '1500' }

async function startRegistry(test: Test, options?: SimulatedRegistryOptions) {
  const registry = await startSimulatedRegistry(options)
  test.onTestFinished(() => registry.close())
  return registry
}

/** The requests that a registry saw, as `GET` and `POST`. */
function seenBy({ requests }: SimulatedRegistry): string[] {
  return requests.map(({ method }) => method)
}

/** Waits until the agent has told why it tries again, and what to do meanwhile; no port is open then. */
async function untilItTriesAgain(agent: Agent) {
  const [line] = await eventually(
    () => logOf(agent).filter(({ msg }) => /; trying again$/.test(String(msg))),
    ({ length }) => length > 0,
  )
  expect(line).toMatchObject({ level: 'warn' })
  expect(agent.output()).not.toContain('listening')
  return line as { msg: string; next_step: string }
}

/** Starts an agent and tells how it came to be registered. */
async function howItRegisters(test: Test, registry: SimulatedRegistry, extra = {}) {
  const agent = await startAgent(test, {
    env: { REGISTRY_URL: registry.url, ...PATIENT, ...extra },
  })
  const about = JSON.parse((await agent.ask('/')).text) as { registration: { how: string } }
  return { agent, how: about.registration.how }
}

describe.concurrent('the agent waits for a registry', () => {
  it('that refuses connections at first, and opens no port before', async (test) => {
    const registry = await startRegistry(test)
    await registry.stop()
    const agent = await launchAgent(test, { env: { REGISTRY_URL: registry.url, ...PATIENT } })
    const { msg, next_step } = await untilItTriesAgain(agent)
    expect(msg).toContain('ECONNREFUSED')
    expect(next_step).toBe('Start the registry, or set REGISTRY_URL to where it listens.')
    await registry.start()
    await agent.url
    expect(registry.workers.has(agent.key.hex)).toBe(true)
  })

  it.skipIf(!canMount)('whose name resolves late, as aliases in Docker do', async (test) => {
    const registry = await startRegistry(test)
    const { through, hosts } = await withOwnNames()
    const url = registry.url.replace('127.0.0.1', 'registry.test')
    const agent = await launchAgent(test, { env: { REGISTRY_URL: url, ...PATIENT }, through })
    expect((await untilItTriesAgain(agent)).next_step).toMatch(/DNS/)
    await writeFile(hosts, '127.0.0.1 localhost registry.test\n')
    await agent.url
    expect(registry.workers.has(agent.key.hex)).toBe(true)
  })

  it('whose certificate is not valid yet', async (test) => {
    const [early, valid] = [{ notBefore: new Date(Date.now() + 3_600_000) }, {}].map(
      makeCertificate,
    )
    const ca = await fileOf(`${early?.cert ?? ''}${valid?.cert ?? ''}`)
    const registry = await startSimulatedRegistry({ ...(early && { tls: early }) })
    const env = { REGISTRY_URL: registry.url, NODE_EXTRA_CA_CERTS: ca, ...PATIENT }
    const agent = await launchAgent(test, { env })
    expect((await untilItTriesAgain(agent)).msg).toContain('CERT_NOT_YET_VALID')
    await registry.close()
    const port = Number(new URL(registry.url).port)
    const renewed = await startRegistry(test, { port, ...(valid && { tls: valid }) })
    await agent.url
    expect(renewed.workers.has(agent.key.hex)).toBe(true)
  })
})

/** A command that runs a program with a file of host names of its own, and no name server. */
async function withOwnNames() {
  const folder = await temporaryFolder()
  const [hosts, resolver] = [join(folder, 'hosts'), join(folder, 'resolv.conf')]
  await writeFile(hosts, '127.0.0.1 localhost\n')
  await writeFile(resolver, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  const script =
    'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'
  return { hosts, through: ['unshare', '--mount', 'sh', '-c', script, 'sh', hosts, resolver] }
}

async function fileOf(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'ca.pem')
  await writeFile(path, text)
  return path
}

/** What a check may be answered that is no permission; the forms of `write` are those seen in the wild. */
const NO_PERMISSION: Record<string, RegistryBehaviour> = {
  'is answered 404': { kind: 'raw', status: 404 },
  'is answered 403': { kind: 'raw', status: 403 },
  'is answered 500': { kind: 'raw', status: 500 },
  'is answered with garbage': { kind: 'raw', body: '<html>AllowAll</html>' },
  'says write: true': { kind: 'raw', body: '{"read":true,"write":true}' },
  'says Allow': { kind: 'raw', body: '{"write":{"mode":"Allow","topics":[]}}' },
  'says allowall': { kind: 'raw', body: '{"write":{"mode":"allowall"}}' },
  'names the mode without an object': { kind: 'raw', body: '{"write":"AllowAll"}' },
}

const ACCEPTED: Record<string, RegistryBehaviour> = {
  '200 with a body': { kind: 'raw', body: '{"id":1}' },
  '200 without a body': { kind: 'raw' },
  '201 with a body': { kind: 'raw', status: 201, body: '{"id":1}' },
  '201 without a body': { kind: 'raw', status: 201 },
  '202 with a body': { kind: 'raw', status: 202, body: 'queued' },
  '202 without a body': { kind: 'raw', status: 202 },
  '204': { kind: 'raw', status: 204 },
}

describe.concurrent('the agent starts', () => {
  it('at once, without a post, where the permission says AllowAll', async (test) => {
    const body = '{"read":{"mode":"Allow","topics":[]},"write":{"mode":"AllowAll"},"ttl":300}'
    const registry = await startRegistry(test, { permission: { kind: 'raw', body } })
    expect((await howItRegisters(test, registry)).how).toBe('known')
    expect(seenBy(registry)).toEqual(['GET'])
  })

  it.for(Object.entries(NO_PERMISSION))('with a post where the check %s', async (row, test) => {
    const registry = await startRegistry(test, { permission: row[1] })
    expect((await howItRegisters(test, registry)).how).toBe('new')
    expect(seenBy(registry)).toEqual(['GET', 'POST'])
  })

  it.for(Object.entries(ACCEPTED))('where the post is answered %s', async (row, test) => {
    const registry = await startRegistry(test, { register: row[1] })
    expect((await howItRegisters(test, registry)).how).toBe('new')
    expect(seenBy(registry)).toEqual(['GET', 'POST'])
  })

  it('where the check hangs, with a post in what is left of the time', async (test) => {
    const registry = await startRegistry(test, { permission: { kind: 'hang' } })
    const { how } = await howItRegisters(test, registry, { REGISTRATION_TIMEOUT_MS: '5000' })
    expect(how).toBe('new')
  })

  it('where the post was applied and its answer lost, without another post', async (test) => {
    const registry = await startRegistry(test, { register: [{ kind: 'lost' }] })
    expect((await howItRegisters(test, registry)).how).toBe('known')
    expect(seenBy(registry)).toEqual(['GET', 'POST', 'GET'])
  })

  it('where the post hangs though it was applied, without another post', async (test) => {
    const key = makeKey()
    const registry = await startRegistry(test, {
      permission: [{ kind: 'raw', status: 404 }],
      register: { kind: 'hang' },
    })
    registry.permit(key.hex)
    const env = { REGISTRY_URL: registry.url, REGISTRATION_TIMEOUT_MS: '4000' }
    await startAgent(test, { env, key })
    expect(seenBy(registry)).toEqual(['GET', 'POST', 'GET'])
  })

  it('where the post meets a conflict and the registry then allows the key', async (test) => {
    const key = makeKey()
    const registry = await startRegistry(test, {
      permission: [{ kind: 'raw', status: 404 }],
      register: { kind: 'raw', status: 409 },
    })
    registry.permit(key.hex)
    await startAgent(test, { env: { REGISTRY_URL: registry.url }, key })
    expect(seenBy(registry)).toEqual(['GET', 'POST', 'GET'])
  })
})

describe.concurrent('the agent, told 429 with Retry-After', () => {
  /** How long after its first post the agent came back, in milliseconds; the value is made when it is needed. */
  async function comesBackAfter(test: Test, value: () => string): Promise<number> {
    const headers: Record<string, string> = {}
    const asked = createGate()
    const then = { kind: 'raw', status: 429, headers } as const
    const registry = await startRegistry(test, {
      register: [{ kind: 'gate', until: asked.until, then }],
    })
    const agent = await launchAgent(test, { env: { REGISTRY_URL: registry.url, ...PATIENT } })
    await registry.received(2)
    const beganMs = performance.now()
    headers['retry-after'] = value()
    asked.open()
    await registry.received(3)
    const waitedMs = performance.now() - beganMs
    await agent.url
    return waitedMs
  }

  it('in seconds, leaves it alone for so long', async (test) => {
    expect(await comesBackAfter(test, () => '2')).toBeGreaterThanOrEqual(1_990)
  })

  it('as a date, leaves it alone until then', async (test) => {
    const date = () => new Date(Date.now() + 3_000).toUTCString()
    // The date has no fractions of a second.
    expect(await comesBackAfter(test, date)).toBeGreaterThanOrEqual(1_900)
  })

  it('as nonsense, comes back as after any other error', async (test) => {
    expect(await comesBackAfter(test, () => 'soon')).toBeLessThan(60_000)
  })

  it('of more than there is time for, ends and tells both', async (test) => {
    const headers = { 'retry-after': '99999' }
    const registry = await startRegistry(test, { register: { kind: 'raw', status: 429, headers } })
    const { reason, nextStep } = await refusalBy(test, registry, PATIENT)
    expect(reason).toContain('asks to wait 99999 s, longer than REGISTRATION_TIMEOUT_MS leaves')
    expect(nextStep).toContain('Wait and try again')
    expect(seenBy(registry)).toEqual(['GET', 'POST'])
  })
})

/** Runs an agent that must not start, and tells how it ended. */
async function refusalBy(test: Test, { url }: { url: string }, extra = {}, key = makeKey()) {
  const agent = await launchAgent(test, { env: { REGISTRY_URL: url, ...HASTY, ...extra }, key })
  const end = await endOf(agent)
  expect(end.code).toBe(1)
  expect(end.told).toHaveLength(2)
  expect(end.reason).toMatch(/^dstack-backend: registration failed: /)
  expect(end.nextStep).toMatch(/^dstack-backend: what to do: [A-Z].*\.$/)
  return end
}

describe.concurrent('the agent ends with 1, the reason and what to do', () => {
  it('where the post hangs and was not applied', async (test) => {
    const registry = await startRegistry(test, { register: { kind: 'hang' } })
    const { reason, nextStep } = await refusalBy(test, registry)
    expect(reason).toContain('did not answer in time')
    expect(nextStep).toContain('this machine reaches it at REGISTRY_URL')
  })

  it('where the post is refused with 100 KB, of which it tells the beginning', async (test) => {
    const body = `owner is not admitted ${'\u001b[2J\n'.repeat(20_000)}`
    const registry = await startRegistry(test, { register: { kind: 'raw', status: 403, body } })
    const { reason, nextStep, told } = await refusalBy(test, registry)
    expect(reason).toMatch(
      /403 Forbidden to POST \/workers: it says "owner is not admitted \[2J \[2J/,
    )
    expect(reason.length).toBeLessThan(600)
    expect(told.join('\n')).not.toContain('\u001b')
    expect(nextStep).toContain("Ask the registry's operator to admit this owner.")
  })

  it('where the post meets a conflict and the key is still not allowed', async (test) => {
    const body = '{"error":"this key belongs to another owner"}'
    const registry = await startRegistry(test, { register: { kind: 'raw', status: 409, body } })
    const { reason, nextStep } = await refusalBy(test, registry)
    expect(reason).toContain('409 Conflict to POST /workers: it says "this key belongs to another')
    expect(nextStep).toContain('why this worker may not write, although it is known')
  })

  it('where it is started again after its permission was withdrawn', async (test) => {
    const registry = await startRegistry(test)
    const { agent } = await howItRegisters(test, registry)
    agent.child.kill('SIGTERM')
    expect((await agent.exited).code).toBe(0)
    registry.revoke(agent.key.hex)
    const { reason } = await refusalBy(test, registry, {}, agent.key)
    expect(reason).toContain('409 Conflict')
  })

  it('where the registry redirects to https, and tells nobody else anything', async (test) => {
    const elsewhere = await startRegistry(test)
    const headers = { location: `${elsewhere.url.replace('//', '//user:hunter2@')}/permissions` }
    const registry = await startRegistry(test, {
      permission: { kind: 'raw', status: 308, headers },
    })
    const url = registry.url.replace('//', '//operator:swordfish@')
    const agent = await launchAgent(test, {
      env: { REGISTRY_URL: url, ...HASTY },
      secrets: ['hunter2', 'swordfish', Buffer.from('operator:swordfish').toString('base64')],
    })
    const { code, nextStep } = await endOf(agent)
    expect(code).toBe(1)
    expect(nextStep).toContain(`Set REGISTRY_URL to where it points: ${elsewhere.url}/permissions`)
    expect(registry.requests[0]?.headers.authorization).toMatch(/^Basic /)
    expect(elsewhere.requests).toEqual([])
  })
})

describe.concurrent('the agent, where the registry has a certificate', () => {
  async function startTlsRegistry(test: Test, options?: CertificateOptions) {
    const tls = makeCertificate(options)
    return { registry: await startRegistry(test, { tls }), ca: await fileOf(tls.cert) }
  }

  it('that nobody vouches for, ends, and starts with the file it is told to name', async (test) => {
    const { registry, ca } = await startTlsRegistry(test)
    const { reason, nextStep } = await refusalBy(test, registry)
    expect(reason).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(nextStep).toContain('set NODE_EXTRA_CA_CERTS to the file of its CA')
    expect(registry.requests).toEqual([])
    expect((await howItRegisters(test, registry, { NODE_EXTRA_CA_CERTS: ca })).how).toBe('new')
  })

  it('that has expired, ends', async (test) => {
    const times = { notBefore: new Date(0), notAfter: new Date(Date.now() - 3_600_000) }
    const { registry, ca } = await startTlsRegistry(test, times)
    const { reason, nextStep } = await refusalBy(test, registry, { NODE_EXTRA_CA_CERTS: ca })
    expect(reason).toContain('a certificate that has expired: renew it there')
    expect(nextStep).toContain('Mend the certificate')
    expect(registry.requests).toEqual([])
  })
})
