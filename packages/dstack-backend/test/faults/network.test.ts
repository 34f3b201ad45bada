import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { startSimulatedRegistry } from '@dstack-node/testbed'
import { startBuiltProgram } from '@dstack-node/testbed/built-program'
import { makeKey, type TestKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import {
  olderService,
  startWhitelistServer,
  type Answer as WhitelistAnswer,
} from '../network-view/_whitelist-server.js'
import {
  ADVERTISED_IP,
  eventually,
  NOBODY,
  startAgent,
  type AgentOptions,
  type Test,
} from './_agent.js'
import { askAbout, readMetrics, type About } from './_vmm-state.js'

/** The built whitelist service with this list. */
async function startWhitelist(test: Test, list: object): Promise<string> {
  const path = join(await temporaryFolder(), 'whitelist.json')
  await writeFile(path, JSON.stringify(list))
  const env = { WHITELIST_FILE: path, LISTEN_ADDR: '127.0.0.1:0' }
  const program = startBuiltProgram('whitelist', { env })
  test.onTestFinished(async () => {
    program.child.kill('SIGKILL')
    await program.exited
  })
  return program.url
}

/** What is in the place of a whitelist service, and answers like that. */
async function startFake(test: Test, ...answer: Parameters<typeof startWhitelistServer>) {
  const server = await startWhitelistServer(...answer)
  test.onTestFinished(server.close)
  return server
}

/** An agent that asks this whitelist, and has asked it once; its registry knows it. */
async function startListed(
  test: Test,
  whitelistUrl: string,
  { key = makeKey(), ...options }: Partial<Pick<AgentOptions, 'key' | 'secrets'>> = {},
) {
  const registry = await startSimulatedRegistry()
  test.onTestFinished(() => registry.close())
  registry.permit(key.hex)
  const env = { REGISTRY_URL: registry.url, WHITELIST_URL: whitelistUrl }
  const agent = await startAgent(test, { env, key, ...options })
  const about = await eventually(
    () =>
      askAbout(agent) as Promise<About & { whitelist: { code: string | null; problem?: string } }>,
    ({ whitelist }) => whitelist.code !== null || whitelist.problem !== undefined,
  )
  const warnings = about.warnings.filter(({ code }) => code.includes('whitelist'))
  return { agent, registry, whitelist: about.whitelist, warnings }
}

/** Lists on which the key of a machine is, or is not. */
const LISTS: Record<string, [(key: TestKey) => object, code: string, nextStep?: RegExp]> = {
  'lists the key': [({ npub }) => ({ pubkeys: [npub] }), 'listed'],
  'does not list the key': [
    () => ({ pubkeys: [makeKey().npub] }),
    'not_listed',
    /^Send the public key, .* to the whitelist's admin/,
  ],
  'listed the key until last year': [
    ({ npub }) => ({ pubkeys: [npub], meta: { [npub]: { expires_at: '2020-12-31T00:00:00Z' } } }),
    'expired',
    /^Ask the whitelist's admin for more time/,
  ],
  'bans the key': [
    ({ npub }) => ({ pubkeys: [npub], banned: { [npub]: { reason: 'spam' } } }),
    'banned',
    /^Ask the whitelist's admin for the reason/,
  ],
}

describe.concurrent('the agent, where the whitelist', () => {
  it.for(Object.entries(LISTS))('%s, tells so and works', async ([, row], test) => {
    const [list, code, nextStep] = row
    const key = makeKey()
    const url = await startWhitelist(test, list(key))
    const { agent, whitelist, warnings } = await startListed(test, url, { key })
    expect(whitelist.code).toBe(code)
    expect(warnings.map((warning) => warning.code)).toEqual(nextStep ? ['not_whitelisted'] : [])
    if (nextStep) expect(warnings[0]?.next_step).toMatch(nextStep)
    expect(await readMetrics(agent)).toContain(`dstack_whitelist_listed ${nextStep ? 0 : 1}`)
    expect((await agent.ask('/livez')).status).toBe(200)
  })

  it('is an older one that compares texts, tells so', async (test) => {
    const key = makeKey()
    const { url } = await startFake(test, olderService(key.npub))
    expect((await startListed(test, url, { key })).whitelist.code).toBe('listed')
    expect((await startListed(test, url)).whitelist.code).toBe('not_listed')
  })

  it('is not there, says so and works', async (test) => {
    const { agent, whitelist, warnings } = await startListed(test, NOBODY)
    expect(whitelist.code).toBeNull()
    expect(whitelist.problem).toContain('ECONNREFUSED')
    expect(warnings.map(({ code }) => code)).toEqual(['whitelist_unreachable'])
    expect(warnings[0]?.next_step).toContain('at WHITELIST_URL')
    const metrics = await readMetrics(agent)
    expect(metrics.filter((line) => line.startsWith('dstack_whitelist_listed'))).toEqual([])
  })

  it.for<[string, WhitelistAnswer]>([
    ['something else', { status: 200, body: '<html>Welcome</html>' }],
    ['one that contradicts itself', { status: 200, body: '{"code":"banned"}' }],
    ['broken', { status: 502, body: 'Bad Gateway' }],
  ])('is %s, takes nothing for an answer', async ([, answer], test) => {
    const { url } = await startFake(test, () => answer)
    const { whitelist, warnings } = await startListed(test, url)
    expect(whitelist.code).toBeNull()
    expect(warnings.map(({ code }) => code)).toEqual(['whitelist_unreachable'])
  })

  it('redirects, asks nobody else and tells no credentials', async (test) => {
    const elsewhere = await startFake(test, () => ({ status: 200, body: '{"code":"listed"}' }))
    const headers = { location: elsewhere.url.replace('//', '//user:hunter2@') }
    const { url, authorizations } = await startFake(test, () => ({ status: 301, headers }))
    const secrets = ['hunter2', 'swordfish']
    const credible = url.replace('//', '//operator:swordfish@')
    const { whitelist } = await startListed(test, credible, { secrets })
    expect(whitelist.problem).toContain(`set WHITELIST_URL to where it points, ${elsewhere.url}`)
    expect(authorizations[0]).toMatch(/^Basic /)
    expect(elsewhere.requests).toEqual([])
  })

  it('never answers, listens and answers all the same', async (test) => {
    const server = await startFake(
      test,
      () => null,
      () => undefined,
    )
    const registry = await startSimulatedRegistry()
    test.onTestFinished(() => registry.close())
    const env = { REGISTRY_URL: registry.url, WHITELIST_URL: server.url }
    const agent = await startAgent(test, { env })
    await server.received(1)
    expect(JSON.parse((await agent.ask('/')).text)).toMatchObject({ whitelist: { code: null } })
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
  })
})

describe.concurrent('the agent', () => {
  it('works on when the registry goes away after the start', async (test) => {
    const { agent, registry } = await startListed(test, NOBODY)
    await registry.close()
    const { status, text } = await agent.ask('/')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ permission: { allowed: true } })
  })

  it('finds an address of this machine where nobody says one, or says that there is none', async (test) => {
    const registry = await startSimulatedRegistry()
    test.onTestFinished(() => registry.close())
    const agent = await startAgent(test, { env: { REGISTRY_URL: registry.url, ADVERTISE_IP: '' } })
    const own = Object.values(networkInterfaces()).flatMap((one = []) => one)
    const { ip_address } = JSON.parse((await agent.ask('/health')).text) as { ip_address: unknown }
    expect([null, ...own.map(({ address }) => address)]).toContain(ip_address)
    expect(String(ip_address)).not.toMatch(/^127\./)
  })

  it('tells ADVERTISE_IP in place of what it finds', async (test) => {
    const { agent } = await startListed(test, NOBODY)
    expect(JSON.parse((await agent.ask('/health')).text)).toMatchObject({
      ip_address: ADVERTISED_IP,
    })
    expect(JSON.parse((await agent.ask('/')).text)).toMatchObject({
      address: { ip: ADVERTISED_IP, source: 'ADVERTISE_IP' },
    })
  })
})
