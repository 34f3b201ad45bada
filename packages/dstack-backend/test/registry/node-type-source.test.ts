import { StartError } from '@dstack-node/service-kit'
import { startSimulatedRegistry, type SimulatedRegistry } from '@dstack-node/testbed'
import { Agent } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NodeTypeAnswer } from '../../src/registry/node-type-source.js'
import { register } from '../../src/registry/registration.js'
import { createRegistryClient, type RequestLimits } from '../../src/registry/registry-client.js'
import { recordingLog } from '../_log.js'

const PUBKEY = 'cd'.repeat(32)
const WORKER = { pubkey: PUBKEY, owner: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' }
const FOUND = { ok: true, nodeType: 'node-H200x8' } as const
const NOT_YET = {
  ok: false,
  reason: 'the VMM refused',
  nextStep: 'start the VMM',
  final: false,
} as const
const NEVER = {
  ok: false,
  reason: 'the models are mixed',
  nextStep: 'say it',
  final: true,
} as const

let registry: SimulatedRegistry
beforeEach(async () => {
  registry = await startSimulatedRegistry()
})
afterEach(() => registry.close())

/** Registers what a source answers, the last answer again and again; its clock stands still but for the sleeps. */
async function attempt(answers: NodeTypeAnswer[], signal = new AbortController().signal) {
  const { log, lines } = await recordingLog()
  const asked: RequestLimits[] = []
  const sleeps: number[] = []
  let now = 0
  const done = register({
    client: createRegistryClient({ baseUrl: registry.url }, new Agent({ pipelining: 0 })),
    worker: WORKER,
    nodeType: async (limits) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)]
      asked.push(limits)
      return answer ?? NEVER
    },
    timeoutMs: 10_000,
    signal,
    log,
    clock: {
      now: () => now,
      random: () => 0.5,
      sleep: async (milliseconds) => {
        sleeps.push(milliseconds)
        now += milliseconds
      },
    },
  })
  const outcome = await done.then(
    (registration) => ({ registration, error: undefined }),
    (error: unknown) => ({ registration: undefined, error }),
  )
  return { ...outcome, asked, sleeps, lines }
}

function seen(): (string | undefined)[] {
  return registry.requests.map(({ method }) => method)
}

describe('register with a node type that has to be found', () => {
  it('does not look for it when the registry knows the worker', async () => {
    registry.permit(PUBKEY)
    const { registration, asked } = await attempt([NEVER])
    expect(registration).toMatchObject({ how: 'known', nodeType: undefined })
    expect(asked).toEqual([])
  })

  it('registers what was found, and says so', async () => {
    const { registration, lines } = await attempt([FOUND])
    expect(registration).toMatchObject({ how: 'new', nodeType: 'node-H200x8' })
    expect(registry.workers.get(PUBKEY)).toMatchObject({ node_type: 'node-H200x8' })
    expect(lines.join()).toContain('node-H200x8')
  })

  it('leaves the time for a post', async () => {
    const { asked } = await attempt([FOUND])
    expect(asked.map(({ timeoutMs }) => timeoutMs)).toEqual([3_000])
  })

  it('tries again while there is none, and posts nothing before', async () => {
    const { registration, sleeps, lines } = await attempt([NOT_YET, NOT_YET, FOUND])
    expect(registration?.nodeType).toBe('node-H200x8')
    expect(sleeps).toEqual([500, 1000])
    expect(seen()).toEqual(['GET', 'GET', 'GET', 'POST'])
    expect(lines[0]).toContain('"next_step":"start the VMM","msg":"the VMM refused; trying again"')
  })

  it('says what was missing and what to do when the time is up', async () => {
    const { error, sleeps } = await attempt([NOT_YET])
    expect(sleeps).toEqual([500, 1000, 2000, 4000, 1500])
    expect(error).toEqual(
      new StartError(
        'registration failed: the VMM refused; gave up after 10000 ms (REGISTRATION_TIMEOUT_MS)',
        { nextStep: 'start the VMM' },
      ),
    )
    expect(seen()).not.toContain('POST')
  })

  it('ends at once when there can be none', async () => {
    const { error, sleeps } = await attempt([NEVER])
    expect(error).toEqual(
      new StartError('registration failed: the models are mixed', { nextStep: 'say it' }),
    )
    expect(sleeps).toEqual([])
    expect(seen()).toEqual(['GET'])
  })

  it('does not end while the registry may still turn out to know the worker', async () => {
    registry.onPermission([{ kind: 'raw', status: 503 }, { kind: 'reset' }])
    registry.permit(PUBKEY)
    const { registration, lines } = await attempt([NEVER])
    expect(registration).toMatchObject({ how: 'known', nodeType: undefined })
    expect(seen()).toEqual(['GET', 'GET', 'GET'])
    expect(lines[0]).toContain('503 Service Unavailable')
    expect(lines[0]).toContain('the models are mixed')
  })

  it('is looked for anew before each post', async () => {
    registry.onRegister([{ kind: 'raw', status: 503 }])
    const { registration } = await attempt([{ ok: true, nodeType: 'node-H200x7' }, FOUND])
    expect(registration?.nodeType).toBe('node-H200x8')
    expect(registry.workers.get(PUBKEY)).toMatchObject({ node_type: 'node-H200x8' })
  })

  it('tells what was posted when the answer to that was lost', async () => {
    registry.onRegister([{ kind: 'lost' }])
    const { registration } = await attempt([FOUND])
    expect(registration).toMatchObject({ how: 'known', nodeType: 'node-H200x8' })
  })

  it('posts nothing once it is told to stop', async () => {
    const controller = new AbortController()
    const { log } = await recordingLog()
    const stopped = register({
      client: createRegistryClient({ baseUrl: registry.url }, new Agent({ pipelining: 0 })),
      worker: WORKER,
      nodeType: async () => {
        controller.abort()
        return FOUND
      },
      timeoutMs: 10_000,
      signal: controller.signal,
      log,
    })
    await expect(stopped).rejects.toThrow('aborted')
    expect(seen()).toEqual(['GET'])
  })
})
