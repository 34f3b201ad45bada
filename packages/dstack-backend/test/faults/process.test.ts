import { connect } from 'node:net'
import { startSimulatedRegistry, startSimulatedVmm } from '@dstack-node/testbed'
import { describe, expect, it } from 'vitest'
import { endOf, eventually, launchAgent, logOf, type Agent, type Test } from './_agent.js'
import { expectAvailable, startKnownAgent } from './_vmm-state.js'
import { freePort } from '@dstack-node/testbed/test-tools/free-port'

const PATIENT = { REGISTRATION_TIMEOUT_MS: '3600000' }

async function startRegistry(test: Test) {
  const registry = await startSimulatedRegistry()
  test.onTestFinished(() => registry.close())
  return registry
}

async function startVmm(test: Test) {
  const vmm = await startSimulatedVmm()
  test.onTestFinished(() => vmm.close())
  return vmm
}

/** Waits until the agent has logged this. */
async function untilLogged(agent: Agent, pattern: RegExp): Promise<void> {
  const found = await eventually(
    () => logOf(agent).some(({ msg }) => pattern.test(String(msg))),
    (isThere) => isThere,
  )
  expect(found, agent.output()).toBe(true)
}

describe.concurrent('the agent ends at once with 0 at SIGTERM', () => {
  it('while it waits for the next try to register', async (test) => {
    const registry = await startRegistry(test)
    await registry.stop()
    const agent = await launchAgent(test, { env: { REGISTRY_URL: registry.url, ...PATIENT } })
    await untilLogged(agent, /; trying again$/)
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
    expect(agent.output()).not.toContain('listening')
  })

  it('while its post hangs', async (test) => {
    const registry = await startRegistry(test)
    registry.onRegister({ kind: 'hang' })
    const agent = await launchAgent(test, { env: { REGISTRY_URL: registry.url, ...PATIENT } })
    await registry.received(2)
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
    expect(agent.output()).not.toContain('listening')
  })
})

/** An agent with a request under way that the VMM does not answer. */
async function startHanging(test: Test) {
  const vmm = await startVmm(test)
  vmm.behave({ kind: 'hang' })
  const agent = await startKnownAgent(test, vmm.url)
  const answer = agent.ask('/health').catch(() => undefined)
  await vmm.received(1)
  return { agent, answer }
}

describe.concurrent('the agent, told to stop while a call to the VMM hangs', () => {
  it('answers who waits for it, and ends with 0', async (test) => {
    const { agent, answer } = await startHanging(test)
    agent.child.kill('SIGTERM')
    expect((await answer)?.status).toBe(503)
    expect(await agent.exited).toEqual({ code: 0, signal: null })
  })

  it.for([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('and told again with %s, ends at once with %i', async ([signal, code], test) => {
    const { agent, answer } = await startHanging(test)
    agent.child.kill('SIGTERM')
    await untilLogged(agent, /^stopping$/)
    agent.child.kill(signal)
    expect(await agent.exited).toEqual({ code, signal: null })
    expect(await answer).toBeUndefined()
  })
})

describe.concurrent('the agent goes on', () => {
  it('at SIGHUP, while it registers and when it listens', async (test) => {
    const registry = await startRegistry(test)
    registry.onPermission([{ kind: 'hang' }])
    const env = { REGISTRY_URL: registry.url, REGISTRATION_TIMEOUT_MS: '5000' }
    const agent = await launchAgent(test, { env })
    await registry.received(1)
    agent.child.kill('SIGHUP')
    await agent.url
    agent.child.kill('SIGHUP')
    expect((await agent.ask('/livez')).status).toBe(200)
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
  })

  it('when nobody reads its log any more', async (test) => {
    const vmm = await startVmm(test)
    const agent = await startKnownAgent(test, vmm.url)
    agent.child.stdout?.destroy()
    agent.child.stderr?.destroy()
    await expectAvailable(agent)
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
  })

  it.for(['json', 'pretty'])('when the disk of its log (%s) is full', async (format, test) => {
    const [vmm, port] = [await startVmm(test), await freePort()]
    const registry = await startRegistry(test)
    const agent = await launchAgent(test, {
      env: {
        REGISTRY_URL: registry.url,
        DSTACK_URL: vmm.url,
        LISTEN_ADDR: `127.0.0.1:${port}`,
        LOG_FORMAT: format,
      },
      through: ['sh', '-c', 'exec "$@" >/dev/full', 'sh'],
    })
    const url = `http://127.0.0.1:${port}`
    const answered = await eventually(
      () =>
        fetch(`${url}/health`)
          .then(({ status }) => status)
          .catch(() => undefined),
      (status) => status === 200,
    )
    expect(answered, agent.output()).toBe(200)
    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
    expect(agent.output()).toBe('')
  })

  it('when more connect than it may have files open, and heals when they leave', async (test) => {
    const vmm = await startVmm(test)
    const agent = await startKnownAgent(test, vmm.url, {
      through: ['sh', '-c', 'ulimit -n 48; exec "$@"', 'sh'],
    })
    const { hostname, port } = new URL(await agent.url)
    const crowd = Array.from({ length: 100 }, () => connect(Number(port), hostname))
    test.onTestFinished(() => {
      for (const socket of crowd) socket.destroy()
    })
    for (const socket of crowd) socket.on('error', () => undefined)
    const turnedAway = await eventually(
      () => crowd.filter(({ closed }) => closed).length,
      (count) => count > 0,
    )
    expect(turnedAway).toBeGreaterThan(0)
    for (const socket of crowd) socket.destroy()
    // The connections that this test itself keeps may have been among them.
    await eventually(
      () => agent.ask('/livez').catch(() => undefined),
      (answer) => answer?.status === 200,
    )
    await expectAvailable(agent)
  })
})

describe('the agent, given the port of the VMM', () => {
  it('ends with 1 and one line, as on a host whose VMM took 8080 first', async (test) => {
    const vmm = await startVmm(test)
    const registry = await startRegistry(test)
    const { host } = new URL(vmm.url)
    const env = { REGISTRY_URL: registry.url, DSTACK_URL: vmm.url, LISTEN_ADDR: host }
    const agent = await launchAgent(test, { env })
    const { code, told } = await endOf(agent)
    expect(code).toBe(1)
    expect(told[0]).toBe(
      `dstack-backend: ${host} is already in use: stop the program that listens there, or set another LISTEN_ADDR`,
    )
  })
})
