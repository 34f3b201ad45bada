import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistryControl, createVmmControl, type Control } from '../src/control.js'
import {
  startSimulatedRegistry,
  startSimulatedVmm,
  type SimulatedRegistry,
  type SimulatedVmm,
} from '../src/index.js'
import { ask, errorCode } from './_request.js'

const KEY = '0f'.repeat(32)

describe('commands to the VMM', () => {
  let vmm: SimulatedVmm
  let control: Control
  beforeEach(async () => {
    vmm = await startSimulatedVmm({ version: '0.6.0' })
    control = createVmmControl(vmm)
  })
  afterEach(() => vmm.close())
  const call = () => ask(vmm.url, '/prpc/ListGpus')

  it('change its behaviour', async () => {
    await control('{"behave":{"kind":"flapping","behaviours":["failure","ok"]}}')
    expect([(await call()).status, (await call()).status]).toEqual([400, 200])
    await control('{"behave":[{"kind":"raw","status":503,"headers":{"a":"b"},"body":"x"}]}')
    expect(await call()).toMatchObject({ status: 503, headers: { a: 'b' }, body: 'x' })
  })

  it('change its cards and its token, several at once', async () => {
    await control('{"gpus":"none","token":"secret"}')
    expect((await call()).status).toBe(401)
    await control('{"token":null}')
    expect((await call()).body).toBe('{"gpus":[],"allow_attach_all":true}')
  })

  it('stop and start it', async () => {
    await control('{"stop":true}')
    expect(await errorCode(call())).toBe('ECONNREFUSED')
    await control('{"start":true}')
    await control('{"restart":true}')
    expect((await call()).status).toBe(200)
  })

  it.each([
    '{"behave":"sulk"}',
    '{"behave":{"kind":"gate"}}',
    '{"behave":{"kind":"raw","status":"500"}}',
    '{"behave":{"kind":"hang","forMs":1}}',
    '{"behave":{"kind":"flapping"}}',
    '{"behave":{"kind":"toString"}}',
    '{"gpus":8}',
    '{"permit":"x"}',
    '{"gpus":"none","bahave":"ok"}',
    '{}',
    'null',
    'hang',
  ])('refuse %s', async (line) => {
    await expect(control(line)).rejects.toThrow()
    expect((await call()).body).toContain('"slot"')
  })
})

describe('commands to the registry', () => {
  let registry: SimulatedRegistry
  let control: Control
  beforeEach(async () => {
    registry = await startSimulatedRegistry()
    control = createRegistryControl(registry)
  })
  afterEach(() => registry.close())
  const permission = async () => (await ask(registry.url, `/permissions/${KEY}`)).status

  it('permit and revoke a key', async () => {
    await control(`{"permit":"${KEY}"}`)
    expect(await permission()).toBe(200)
    await control(`{"revoke":"${KEY}"}`)
    expect(await permission()).toBe(404)
    await expect(control('{"permit":"npub1"}')).rejects.toThrow('hex')
  })

  it('script both requests', async () => {
    await control('{"permission":{"kind":"raw","status":500},"register":"lost"}')
    expect(await permission()).toBe(500)
    const headers = { 'content-type': 'application/json' }
    expect(await errorCode(ask(registry.url, '/workers', { method: 'POST', headers }))).toBe(
      'ECONNRESET',
    )
  })
})
