import { startSimulatedVmm, gpuCards, type SimulatedVmm } from '@dstack-node/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAutoNodeType, type ReadSample } from '../../src/registry/auto-node-type.js'
import { createDstackDispatcher, createListGpus } from '../../src/dstack/dstack-client.js'
import type { GpuReading } from '../../src/dstack/dstack-client.js'
import { gpus, unknownGpu } from '../inventory/_gpus.js'

const signal = new AbortController().signal
const limits = { timeoutMs: 3_000, signal }

function ask(reading: GpuReading, advice = '') {
  return createAutoNodeType(() => Promise.resolve({ reading, advice }))(limits)
}

describe('createAutoNodeType', () => {
  it('names the GPUs that the VMM lists', async () => {
    expect(await ask({ ok: true, gpus: gpus('H200', 8), allowAttachAll: true })).toEqual({
      ok: true,
      nodeType: 'node-H200x8',
    })
  })

  it('may be asked again when the VMM does not answer, and says why and what to do', async () => {
    const reading = { ok: false, failure: 'connect', detail: 'ECONNREFUSED' } as const
    expect(await ask(reading, 'Start the VMM.')).toEqual({
      ok: false,
      reason: 'NODE_TYPE is auto, but the VMM gave no list of GPUs (connect: ECONNREFUSED)',
      nextStep: 'Start the VMM; or set NODE_TYPE to what this machine is.',
      final: false,
    })
  })

  it('may be asked again when there is no GPU, and names the causes', async () => {
    const answer = await ask({ ok: true, gpus: [], allowAttachAll: true })
    expect(answer).toMatchObject({
      ok: false,
      reason: 'NODE_TYPE is auto, but the VMM lists no GPU',
      final: false,
    })
    expect(answer).toHaveProperty('nextStep', expect.stringContaining('[cvm.gpu]'))
  })

  it('need not be asked again when the models are mixed, or one has no name', async () => {
    const mixed = [...gpus('H200', 1), ...gpus('H100', 1)]
    for (const cards of [mixed, [unknownGpu('NVIDIA Corporation')]]) {
      const answer = await ask({ ok: true, gpus: cards, allowAttachAll: true })
      expect(answer).toMatchObject({ ok: false, final: true })
      expect(answer).toHaveProperty('nextStep', expect.stringContaining('Set NODE_TYPE'))
    }
  })

  it('waits no longer than it may', async () => {
    const never: ReadSample = () => new Promise(() => undefined)
    expect(await createAutoNodeType(never)({ timeoutMs: 1, signal })).toMatchObject({
      ok: false,
      reason: 'NODE_TYPE is auto, but the VMM did not answer within 1 ms',
      final: false,
    })
  })

  it('waits no longer once it is told to stop', async () => {
    const never: ReadSample = () => new Promise(() => undefined)
    const controller = new AbortController()
    const answer = createAutoNodeType(never)({ timeoutMs: 3_600_000, signal: controller.signal })
    controller.abort()
    expect(await answer).toMatchObject({ ok: false })
  })
})

describe('createAutoNodeType at a VMM', () => {
  let vmm: SimulatedVmm
  beforeEach(async () => {
    vmm = await startSimulatedVmm({ gpus: gpuCards('B200', 8) })
  })
  afterEach(() => vmm.close())

  it('names the GPUs, also once they are others', async () => {
    const endpoint = { baseUrl: vmm.url }
    const listGpus = createListGpus(endpoint, createDstackDispatcher(endpoint))
    const source = createAutoNodeType(async () => ({ reading: await listGpus(), advice: '' }))
    expect(await source(limits)).toEqual({ ok: true, nodeType: 'node-B200x8' })
    vmm.setGpus(gpuCards('B300', 2))
    expect(await source(limits)).toEqual({ ok: true, nodeType: 'node-B300x2' })
  })
})
