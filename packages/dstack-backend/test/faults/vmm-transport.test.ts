import { chmod, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createStaleSocket,
  startBlackHole,
  startSimulatedVmm,
  type SimulatedVmm,
} from '@dstack-node/testbed'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { asNobody, eventually, type Agent, type Test } from './_agent.js'
import {
  expectAvailable,
  expectUnavailable,
  healthBody,
  ONE_H200,
  readMetrics,
  startKnownAgent,
  type Failure,
} from './_vmm-state.js'

async function startVmm(test: Test, ...[options]: Parameters<typeof startSimulatedVmm>) {
  const vmm = await startSimulatedVmm(options)
  test.onTestFinished(() => vmm.close())
  return vmm
}

/** Asks until the VMM was asked anew; every answer must be the good one. */
async function expectAnotherGoodCall(agent: Agent, vmm: SimulatedVmm): Promise<void> {
  const before = vmm.calls
  const good = healthBody(agent, 'Available', ONE_H200)
  const seen = await eventually(
    () => agent.ask('/health'),
    ({ text }) => text !== good || vmm.calls > before,
  )
  expect(seen.text).toBe(good)
  expect(vmm.calls).toBeGreaterThan(before)
}

interface Situation {
  begin: (vmm: SimulatedVmm) => void | Promise<void>
  failure: Failure
  nextStep: RegExp
  end?: (vmm: SimulatedVmm) => Promise<void>
}

const SITUATIONS: Record<string, Situation> = {
  'refuses connections': {
    begin: (vmm) => vmm.stop(),
    failure: 'connect',
    nextStep: /^Start the VMM, or correct the port in DSTACK_URL: nothing listens there/,
    end: (vmm) => vmm.start(),
  },
  'takes the connection and never answers': {
    begin: (vmm) => {
      vmm.behave({ kind: 'hang' })
    },
    failure: 'timeout',
    nextStep: /workers may be stuck in lspci/,
  },
  'sends headers that never end': {
    begin: (vmm) => {
      vmm.behave({ kind: 'drip', part: 'headers' })
    },
    failure: 'timeout',
    nextStep: /workers may be stuck in lspci/,
  },
  'sends headers, then a dripping body': {
    begin: (vmm) => {
      vmm.behave({ kind: 'drip' })
    },
    failure: 'timeout',
    nextStep: /workers may be stuck in lspci/,
  },
  'resets the connection': {
    begin: (vmm) => {
      vmm.behave({ kind: 'reset' })
    },
    failure: 'connect',
    nextStep: /^Look at the VMM's log, .* the connection ended without an answer/,
  },
  'sends less than its content-length, then a reset': {
    begin: (vmm) => {
      vmm.behave({ kind: 'short' })
    },
    failure: 'connect',
    nextStep: /^Look at the VMM's log, .* the connection ended without an answer/,
  },
  'sends 5 MiB': {
    begin: (vmm) => {
      vmm.behave({ kind: 'huge' })
    },
    failure: 'too_large',
    nextStep: /^Correct DSTACK_URL: something else than a VMM answers there/,
  },
  'sends 5 MiB without a length': {
    begin: (vmm) => {
      vmm.behave({ kind: 'huge', chunked: true })
    },
    failure: 'too_large',
    nextStep: /^Correct DSTACK_URL: something else than a VMM answers there/,
  },
}

describe.concurrent('the agent, started while a VMM on TCP', () => {
  it.for(Object.entries(SITUATIONS))('%s, says so and heals', async ([, situation], test) => {
    const { begin, failure, nextStep, end } = situation
    const vmm = await startVmm(test)
    await begin(vmm)
    const agent = await startKnownAgent(test, vmm.url)
    await expectUnavailable(agent, failure, nextStep)
    vmm.behave({ kind: 'ok' })
    await end?.(vmm)
    await expectAvailable(agent)
  })

  it('is behind a firewall that drops everything, says so and heals', async (test) => {
    const hole = await startBlackHole()
    test.onTestFinished(() => hole.close())
    const agent = await startKnownAgent(test, hole.url)
    await expectUnavailable(agent, 'timeout', /workers may be stuck in lspci/)
    await hole.close()
    await startVmm(test, { listen: { port: hole.port } })
    await expectAvailable(agent)
  })
})

describe.concurrent('the agent, while a VMM on TCP', () => {
  it('hangs, costs it one call however many ask, and lets nobody wait for that', async (test) => {
    const vmm = await startVmm(test, { behave: { kind: 'hang' } })
    const agent = await startKnownAgent(test, vmm.url)
    await agent.ask('/health')
    // The agent asks again by itself.
    await vmm.received(2)
    const crowd = await Promise.all(Array.from({ length: 20 }, () => agent.ask('/health')))
    expect(new Set(crowd.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(vmm.calls).toBe(2)
    expect(await readMetrics(agent)).toContain('dstack_vmm_calls_total{outcome="timeout"} 1')
  })

  it('ends idle connections, as the real one does after 10 s, answers as before', async (test) => {
    const vmm = await startVmm(test)
    const agent = await startKnownAgent(test, vmm.url)
    await expectAvailable(agent)
    vmm.closeIdle()
    await expectAnotherGoodCall(agent, vmm)
  })

  it('restarts, answers as before', async (test) => {
    const vmm = await startVmm(test)
    const agent = await startKnownAgent(test, vmm.url)
    await expectAvailable(agent)
    await vmm.restart()
    await expectAnotherGoodCall(agent, vmm)
  })

  it('flaps, tells each state with its own stable bytes, and heals', async (test) => {
    const behaviours = [{ kind: 'ok' }, { kind: 'reset' }] as const
    const vmm = await startVmm(test, { behave: { kind: 'flapping', behaviours } })
    const agent = await startKnownAgent(test, vmm.url)
    const seen = new Map<string, number>()
    await eventually(
      async () => {
        const { text, status } = await agent.ask('/health')
        seen.set(text, status)
        return vmm.calls
      },
      (calls) => calls >= 3,
    )
    expect(seen).toEqual(
      new Map([
        [healthBody(agent, 'Available', ONE_H200), 200],
        [healthBody(agent, 'Unavailable', 'Error: DStack can not be reached'), 503],
      ]),
    )
    vmm.behave({ kind: 'ok' })
    await expectAvailable(agent)
  })
})

/** A path for a socket, in a folder that every user may look into. */
async function socketPlace(): Promise<{ path: string; url: string }> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  const path = join(folder, 'vmm.sock')
  return { path, url: `unix:${path}` }
}

describe.concurrent('the agent, where the socket of the VMM', () => {
  it('is missing, says so and heals', async (test) => {
    const { path, url } = await socketPlace()
    const agent = await startKnownAgent(test, url)
    await expectUnavailable(agent, 'connect', /^Start the VMM, or correct the path in DSTACK_URL;/)
    await startVmm(test, { listen: { socketPath: path } })
    await expectAvailable(agent)
  })

  it('is a regular file, says so and heals', async (test) => {
    const { path, url } = await socketPlace()
    await writeFile(path, '')
    const agent = await startKnownAgent(test, url)
    await expectUnavailable(agent, 'connect', /^Start the VMM: the socket .* or a regular file;/)
    await rm(path)
    await startVmm(test, { listen: { socketPath: path } })
    await expectAvailable(agent)
  })

  it('is a stale one that nobody listens on, says so and heals', async (test) => {
    const { path, url } = await socketPlace()
    await createStaleSocket(path)
    const agent = await startKnownAgent(test, url)
    await expectUnavailable(agent, 'connect', /^Start the VMM: the socket in DSTACK_URL is a stale/)
    await startVmm(test, { listen: { socketPath: path } })
    await expectAvailable(agent)
  })

  it('may not be used by its user, says so and heals', async (test) => {
    const { path, url } = await socketPlace()
    await startVmm(test, { listen: { socketPath: path } })
    await chmod(path, 0)
    const agent = await startKnownAgent(test, url, await asNobody())
    await expectUnavailable(agent, 'connect', /^Give the user .* write permission on the socket/)
    await chmod(path, 0o666)
    await expectAvailable(agent)
  })

  it('has a new inode since the VMM was restarted, answers as before', async (test) => {
    const { path, url } = await socketPlace()
    const vmm = await startVmm(test, { listen: { socketPath: path } })
    const agent = await startKnownAgent(test, url)
    await expectAvailable(agent)
    const { ino } = await stat(path)
    await vmm.restart()
    expect((await stat(path)).ino).not.toBe(ino)
    await expectAnotherGoodCall(agent, vmm)
  })
})
