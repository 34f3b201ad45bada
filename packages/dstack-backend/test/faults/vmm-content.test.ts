import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  gpuCards,
  ODD_GPUS,
  startSimulatedVmm,
  type GpuCard,
  type SimulatedVmm,
  type SimulatedVmmOptions,
} from '@dstack-node/testbed'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { eventually, type Test } from './_agent.js'
import {
  askAbout,
  expectAvailable,
  expectUnavailable,
  metadataOf,
  ONE_H200,
  readMetrics,
  startKnownAgent,
} from './_vmm-state.js'

async function startVmm(test: Test, options?: SimulatedVmmOptions): Promise<SimulatedVmm> {
  const vmm = await startSimulatedVmm(options)
  test.onTestFinished(() => vmm.close())
  return vmm
}

const NOT_DSTACK = [
  '<!DOCTYPE html><html><body>Welcome</body></html>',
  '{}',
  '[]',
  'null',
  '{"error":"x"}',
  '{"gpus":null}',
  '{"gpus":{}}',
  '{"gpus":[{"slot":"18:00.0","is_free":"true"}],"allow_attach_all":true}',
]

describe.concurrent('the agent, while what it takes for the VMM answers', () => {
  it.for(NOT_DSTACK)('%s with 200, says so and heals', async (body, test) => {
    const vmm = await startVmm(test, { behave: { kind: 'raw', body } })
    const agent = await startKnownAgent(test, vmm.url)
    const nextStep = /^Correct DSTACK_URL: something else than a VMM answers there/
    await expectUnavailable(agent, 'invalid', nextStep)
    vmm.behave({ kind: 'ok' })
    await expectAvailable(agent)
  })

  it('400 with an error of its own, tells what to install and heals', async (test) => {
    const vmm = await startVmm(test, { behave: { kind: 'failure' } })
    const agent = await startKnownAgent(test, vmm.url)
    await expectUnavailable(agent, 'http', /^Install pciutils on the VMM's host/)
    expect(agent.output()).toContain('"words":"Failed to list GPU devices: Failed to run lspci')
    vmm.behave({ kind: 'ok' })
    await expectAvailable(agent)
  })
})

const [H200] = gpuCards('H200', 1) as [GpuCard]
const { slot, product_id, description } = H200

/** Answers that are good although they are not as a VMM of today gives them, and what is told of them. */
const TOLERATED: Record<string, [body: object, metadata: string]> = {
  'unknown fields': [
    { gpus: [{ ...H200, numa_node: 1 }], allow_attach_all: true, driver: { kind: 'vfio' } },
    ONE_H200,
  ],
  'a card without is_free': [
    { gpus: [{ slot, product_id, description }], allow_attach_all: true },
    metadataOf([{ ...H200, is_free: false }]),
  ],
  'no allow_attach_all': [{ gpus: [H200] }, metadataOf([H200], false)],
}

describe.concurrent('the agent, while the VMM lists its cards', () => {
  it.for(Object.entries(TOLERATED))('with %s, understands', async ([, row], test) => {
    const [body, metadata] = row
    const vmm = await startVmm(test, { behave: { kind: 'raw', body: JSON.stringify(body) } })
    await expectAvailable(await startKnownAgent(test, vmm.url), metadata)
  })

  it('and one of eight is lost, warns until it is back', async (test) => {
    const all = gpuCards('H200', 8)
    const seven = all.filter(({ slot }) => slot !== '9a:00.0')
    const vmm = await startVmm(test, { gpus: seven })
    const agent = await startKnownAgent(test, vmm.url, { env: { NODE_TYPE: 'node-H200x8' } })
    await expectAvailable(agent, metadataOf(seven), ['gpus_missing'])
    const [warning] = (await askAbout(agent)).warnings
    expect(warning?.message).toMatch(/^7 GPUs are there, but H200x8 is expected; seen: 18:00\.0/)
    expect(warning?.next_step).toMatch(/^Compare with lspci -nn on the host/)
    vmm.setGpus(all)
    await expectAvailable(agent, metadataOf(all))
    const told = agent.output().match(/"msg":"(over: )?7 GPUs are there/g)
    expect(told).toEqual(['"msg":"7 GPUs are there', '"msg":"over: 7 GPUs are there'])
  })

  it('and there is none, stays available and warns', async (test) => {
    const vmm = await startVmm(test, { gpus: [] })
    const agent = await startKnownAgent(test, vmm.url)
    await expectAvailable(agent, metadataOf([]), ['no_gpus'])
  })

  it('and two are in the same slot, warns and counts them once', async (test) => {
    const twice = [H200, H200]
    const vmm = await startVmm(test, { gpus: twice })
    const agent = await startKnownAgent(test, vmm.url)
    await expectAvailable(agent, metadataOf(twice), ['duplicate_slots'])
    expect(await readMetrics(agent)).toContain('dstack_gpus 1')
  })

  it('and there are 200, tells of all', async (test) => {
    const cards = gpuCards('H200', 200)
    const vmm = await startVmm(test, { gpus: cards })
    const agent = await startKnownAgent(test, vmm.url, { env: { EXPECTED_GPUS: 'H200x200' } })
    await expectAvailable(agent, metadataOf(cards))
    expect(await readMetrics(agent)).toContain('dstack_gpus 200')
  })

  it('with quotes, control characters and other scripts, passes them on and is read', async (test) => {
    const { strangeText } = ODD_GPUS
    const slot = '18:00.0"\\\n\u001b[2J'
    const cards = [strangeText, { ...strangeText, slot }]
    const vmm = await startVmm(test, { gpus: cards })
    const agent = await startKnownAgent(test, vmm.url, { env: { EXPECTED_GPUS: '1' } })
    await expectAvailable(agent, metadataOf(cards), ['gpus_extra'])
    const { gpus } = await askAbout(agent)
    expect(gpus).toMatchObject([{ description: strangeText.description }, { slot }])
    expect((await readMetrics(agent)).filter((line) => line.includes('\u001b'))).toEqual([])
    expect(agent.output()).not.toContain('\u001b')
  })

  it('with no name but the vendor’s, knows the model by its id', async (test) => {
    const cards = [ODD_GPUS.bareVendor]
    const vmm = await startVmm(test, { gpus: cards })
    const agent = await startKnownAgent(test, vmm.url, { env: { NODE_TYPE: 'node-B200x1' } })
    await expectAvailable(agent, metadataOf(cards))
    expect((await askAbout(agent)).gpus).toMatchObject([{ model: 'B200' }])
  })
})

describe.concurrent('the agent, where the VMM asks for a token', () => {
  const [FIRST, SECOND, THIRD] = ['a1', 'b2', 'c3'].map((pair) => pair.repeat(16)) as [
    string,
    string,
    string,
  ]

  it('and it has none, says so and heals when the VMM is told to ask no more', async (test) => {
    const vmm = await startVmm(test, { version: '0.6.0', token: FIRST })
    const agent = await startKnownAgent(test, vmm.url, { secrets: [FIRST] })
    await expectUnavailable(agent, 'auth', /^Set DSTACK_TOKEN or DSTACK_TOKEN_FILE to the token/)
    vmm.setToken(undefined)
    await expectAvailable(agent)
  })

  it('and it has a wrong one, says so and heals with the file, also when it is rotated', async (test) => {
    const vmm = await startVmm(test, { version: '0.6.0', token: SECOND })
    const file = join(await temporaryFolder(), 'token')
    await writeFile(file, `${FIRST}\n`)
    const agent = await startKnownAgent(test, vmm.url, {
      env: { DSTACK_TOKEN_FILE: file },
      secrets: [FIRST, SECOND, THIRD],
    })
    await expectUnavailable(agent, 'auth', /^Compare the file that DSTACK_TOKEN_FILE names/)
    await writeFile(file, `${SECOND}\n`)
    await expectAvailable(agent)
    await writeFile(file, THIRD)
    vmm.setToken(THIRD)
    const before = vmm.calls
    const seen = await eventually(
      () => agent.ask('/health'),
      ({ status }) => status !== 200 || vmm.calls > before,
    )
    expect(seen.status).toBe(200)
  })

  it('and something redirects to another host, sends nothing there', async (test) => {
    const thief = await startVmm(test)
    const headers = { location: `${thief.url}/prpc/ListGpus?json` }
    const vmm = await startVmm(test, { behave: { kind: 'raw', status: 302, headers } })
    const env = { DSTACK_TOKEN: FIRST }
    const agent = await startKnownAgent(test, vmm.url, { env, secrets: [FIRST] })
    await expectUnavailable(agent, 'http', /^Set DSTACK_URL to the VMM itself: .* points elsewhere/)
    expect(vmm.requests[0]?.headers.authorization).toBe(`Bearer ${FIRST}`)
    vmm.behave({ kind: 'ok' })
    await expectAvailable(agent)
    expect(thief.requests).toEqual([])
  })
})
