import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createStaleSocket,
  gpuCards,
  ODD_GPUS,
  startSimulatedVmm,
  type SimulatedVmm,
  type VmmBehaviour,
} from '@dstack-node/testbed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDstackDispatcher, createListGpus, type GpuReading } from '../src/dstack-client.js'
import { parseDstackEndpoint } from '../src/endpoint.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

function listGpus(url: string): Promise<GpuReading> {
  const endpoint = parseDstackEndpoint(url)
  return createListGpus(endpoint, createDstackDispatcher(endpoint))()
}

function raw(body: string, status = 200): VmmBehaviour {
  return { kind: 'raw', status, body }
}

describe('ListGpus', () => {
  let vmm: SimulatedVmm
  beforeEach(async () => {
    vmm = await startSimulatedVmm()
  })
  afterEach(() => vmm.close())

  it('reads every card of a host', async () => {
    vmm.setGpus(gpuCards('H200', 8))
    const reading = await listGpus(vmm.url)
    expect(reading.ok && reading.gpus.map(({ slot }) => slot)).toEqual([
      '18:00.0',
      '2a:00.0',
      '3a:00.0',
      '5d:00.0',
      '9a:00.0',
      'ab:00.0',
      'ba:00.0',
      'db:00.0',
    ])
    expect(vmm.requests[0]).toMatchObject({ method: 'GET', path: '/prpc/ListGpus?json' })
  })

  it('keeps a strange description as it is', async () => {
    vmm.setGpus([ODD_GPUS.strangeText])
    expect(await listGpus(vmm.url)).toMatchObject({
      gpus: [{ description: ODD_GPUS.strangeText.description }],
    })
  })

  it('takes no card at all for an answer', async () => {
    vmm.setGpus([])
    expect(await listGpus(vmm.url)).toEqual({ ok: true, gpus: [], allowAttachAll: true })
  })

  it('reads 200 cards', async () => {
    vmm.setGpus(gpuCards('H100', 200))
    const reading = await listGpus(vmm.url)
    expect(reading.ok && reading.gpus.length).toBe(200)
  })

  it('reads an old VMM, which says nothing of attaching all', async () => {
    await vmm.close()
    vmm = await startSimulatedVmm({ version: '0.5.2' })
    expect(await listGpus(vmm.url)).toMatchObject({ ok: true, allowAttachAll: false })
  })

  it('fills in single fields that are missing or null, and ignores unknown ones', async () => {
    vmm.behave(raw('{"gpus":[{"slot":"18:00.0","future":1,"is_free":null}],"more":[]}'))
    expect(await listGpus(vmm.url)).toEqual({
      ok: true,
      gpus: [{ slot: '18:00.0', productId: '', description: '', isFree: false }],
      allowAttachAll: false,
    })
  })

  it('does not reuse a connection that the VMM may have closed', async () => {
    await listGpus(vmm.url)
    await vmm.restart()
    expect((await listGpus(vmm.url)).ok).toBe(true)
  })

  it.each([
    '<html></html>',
    '',
    '{}',
    '[]',
    'null',
    '{"error":"x"}',
    '{"gpus":null}',
    '{"gpus":{}}',
    '{"gpus":[1]}',
    '{"gpus":[null]}',
    '{"gpus":[{"is_free":"true"}]}',
    '{"gpus":[{"slot":18}]}',
  ])('says that %s is not an answer of DStack', async (body) => {
    vmm.behave(raw(body))
    expect(await listGpus(vmm.url)).toMatchObject({ ok: false, failure: 'invalid' })
  })

  it.each<[string, VmmBehaviour, string]>([
    ['its own error', { kind: 'failure' }, 'http'],
    ['500', raw('{"gpus":[]}', 500), 'http'],
    ['204', { kind: 'raw', status: 204 }, 'http'],
    ['a reset connection', { kind: 'reset' }, 'connect'],
    ['a body cut short', { kind: 'short' }, 'connect'],
    ['more than 1 MiB', { kind: 'huge' }, 'too_large'],
    ['more than 1 MiB without a length', { kind: 'huge', chunked: true }, 'too_large'],
    ['no answer', { kind: 'hang' }, 'timeout'],
    ['headers that drip', { kind: 'drip', part: 'headers' }, 'timeout'],
    ['a body that drips', { kind: 'drip' }, 'timeout'],
  ])('tells %s', async (_situation, behaviour, failure) => {
    vmm.behave(behaviour)
    expect(await listGpus(vmm.url)).toMatchObject({ ok: false, failure })
  })

  it('does not follow a redirect', async () => {
    const elsewhere = await startSimulatedVmm()
    vmm.behave({
      kind: 'raw',
      status: 302,
      headers: { location: `${elsewhere.url}/prpc/ListGpus` },
    })
    expect(await listGpus(vmm.url)).toMatchObject({ ok: false, failure: 'http' })
    expect(elsewhere.requests).toHaveLength(0)
    await elsewhere.close()
  })

  it('tells that a VMM wants a token', async () => {
    await vmm.close()
    vmm = await startSimulatedVmm({ version: '0.6.0', token: 'secret' })
    expect(await listGpus(vmm.url)).toMatchObject({ ok: false, failure: 'auth' })
  })

  it('tells that nobody listens', async () => {
    await vmm.stop()
    expect(await listGpus(vmm.url)).toEqual({
      ok: false,
      failure: 'connect',
      detail: 'ECONNREFUSED',
    })
  })
})

describe('ListGpus over a Unix socket', () => {
  it('works in both spellings of the address, and after a restart with a new socket', async () => {
    const socketPath = join(await temporaryFolder(), 'vmm.sock')
    const vmm = await startSimulatedVmm({ listen: { socketPath } })
    expect((await listGpus(`unix://${socketPath}`)).ok).toBe(true)
    await vmm.restart()
    expect((await listGpus(`unix:${socketPath}`)).ok).toBe(true)
    expect(vmm.calls).toBe(2)
    await vmm.close()
  })

  it('tells a path where nothing is', async () => {
    const path = join(await temporaryFolder(), 'vmm.sock')
    expect(await listGpus(`unix:${path}`)).toMatchObject({ failure: 'connect', detail: 'ENOENT' })
  })

  it('tells a path that is a regular file', async () => {
    const path = join(await temporaryFolder(), 'vmm.sock')
    writeFileSync(path, '')
    expect(await listGpus(`unix:${path}`)).toMatchObject({
      failure: 'connect',
      detail: 'ECONNREFUSED',
    })
  })

  it('tells a socket that nobody listens on any more', async () => {
    const path = join(await temporaryFolder(), 'vmm.sock')
    await createStaleSocket(path)
    expect(await listGpus(`unix:${path}`)).toMatchObject({
      failure: 'connect',
      detail: 'ECONNREFUSED',
    })
    rmSync(path)
  })
})
