import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  createStaleSocket,
  gpuCards,
  ODD_GPUS,
  startSimulatedVmm,
  type SimulatedVmm,
  type VmmBehaviour,
} from '@dstack-node/testbed'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { MockAgent } from 'undici'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createDstackDispatcher,
  createListGpus,
  type GpuReading,
  type ListGpus,
} from '../../src/dstack/dstack-client.js'
import type { TokenSource } from '../../src/dstack/dstack-token.js'
import { parseDstackEndpoint } from '../../src/requests/endpoint.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const TOKEN = '8f14e45fceea167a5a36dedd4bea2543'

function createFor(url: string, source?: TokenSource): ListGpus {
  const endpoint = parseDstackEndpoint(url)
  return createListGpus(endpoint, createDstackDispatcher(endpoint), source)
}

function listGpus(url: string): Promise<GpuReading> {
  return createFor(url)()
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

  it('passes on what the VMM says of its error, short and on one line', async () => {
    vmm.behave({ kind: 'failure', message: `Failed to\nlist\u0007 GPU: ${'x'.repeat(1000)}` })
    const reading = await listGpus(vmm.url)
    expect(reading).toEqual({
      ok: false,
      failure: 'http',
      detail: 'status 400',
      status: 400,
      words: `Failed to list GPU: ${'x'.repeat(280)}…`,
    })
  })

  it('passes on nothing of an error that says nothing in the form of the VMM', async () => {
    vmm.behave(raw('{"error":{"code":502}}', 502))
    expect(await listGpus(vmm.url)).toEqual({
      ok: false,
      failure: 'http',
      detail: 'status 502',
      status: 502,
    })
  })

  it('tells that nobody listens', async () => {
    await vmm.stop()
    expect(await listGpus(vmm.url)).toEqual({
      ok: false,
      failure: 'connect',
      detail: 'ECONNREFUSED',
    })
  })

  it.each(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])(
    'tells a connection that %s gave up before the deadline',
    async (code) => {
      const dispatcher = new MockAgent()
      dispatcher.disableNetConnect()
      dispatcher
        .get(vmm.url)
        .intercept({ path: '/prpc/ListGpus?json' })
        .replyWithError(Object.assign(new Error('too late'), { code }))
      expect(await createListGpus(parseDstackEndpoint(vmm.url), dispatcher)()).toEqual({
        ok: false,
        failure: 'timeout',
        detail: 'ETIMEDOUT',
      })
      dispatcher.assertNoPendingInterceptors()
    },
  )

  it('tells that nobody listens under a name that has more than one address', async () => {
    await vmm.stop()
    const { port } = new URL(vmm.url)
    expect(await listGpus(`http://localhost:${port}`)).toMatchObject({ detail: 'ECONNREFUSED' })
  })

  it('tells that nothing there speaks TLS', async () => {
    const reading = await listGpus(vmm.url.replace('http:', 'https:'))
    expect(reading).toMatchObject({ ok: false, failure: 'connect' })
    expect(reading).toHaveProperty('detail', expect.stringMatching(/^(EPROTO|ERR_SSL_)/))
  })

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const elsewhere = await startSimulatedVmm()
    onTestFinished(() => elsewhere.close())
    const headers = { location: `${elsewhere.url}/prpc/ListGpus` }
    vmm.behave({ kind: 'raw', status, headers })
    const reading = await createFor(vmm.url, { kind: 'value', token: TOKEN })()
    expect(reading).toEqual({ ok: false, failure: 'http', detail: `status ${status}`, status })
    expect(vmm.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`)
    expect(elsewhere.requests).toHaveLength(0)
  })
})

describe('ListGpus of a VMM that asks for a token', () => {
  let vmm: SimulatedVmm
  let path: string
  beforeEach(async () => {
    vmm = await startSimulatedVmm({ version: '0.6.0', token: TOKEN })
    path = join(await temporaryFolder(), 'token')
  })
  afterEach(() => vmm.close())

  it('is let in with the right one', async () => {
    expect((await createFor(vmm.url, { kind: 'value', token: TOKEN })()).ok).toBe(true)
    expect(vmm.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`)
  })

  it('is let in over a Unix socket', async () => {
    const socketPath = join(await temporaryFolder(), 'vmm.sock')
    const other = await startSimulatedVmm({
      version: '0.6.0',
      token: TOKEN,
      listen: { socketPath },
    })
    onTestFinished(() => other.close())
    expect((await createFor(other.url, { kind: 'value', token: TOKEN })()).ok).toBe(true)
  })

  it('is let in with the credentials in DSTACK_URL', async () => {
    const url = vmm.url.replace('//', `//admin:${TOKEN}@`)
    expect((await listGpus(url)).ok).toBe(true)
  })

  it('tells that it has no token to send', async () => {
    expect(await listGpus(vmm.url)).toEqual({
      ok: false,
      failure: 'auth',
      detail: 'status 401 without a token',
      status: 401,
    })
  })

  it('tells that the token was refused, in one call', async () => {
    expect(await createFor(vmm.url, { kind: 'value', token: 'wrong' })()).toEqual({
      ok: false,
      failure: 'auth',
      detail: 'status 401',
      status: 401,
    })
    expect(vmm.calls).toBe(1)
  })

  it('takes a 403 for the same', async () => {
    vmm.behave(raw('', 403))
    const reading = await createFor(vmm.url, { kind: 'value', token: TOKEN })()
    expect(reading).toMatchObject({ failure: 'auth', detail: 'status 403', status: 403 })
  })

  it('takes the token from a file, with one call for each answer', async () => {
    writeFileSync(path, `${TOKEN}\n`)
    const ask = createFor(vmm.url, { kind: 'file', path })
    expect((await ask()).ok).toBe(true)
    expect((await ask()).ok).toBe(true)
    expect(vmm.calls).toBe(2)
  })

  it('follows a token that is replaced while it runs, with one call more', async () => {
    writeFileSync(path, TOKEN)
    const ask = createFor(vmm.url, { kind: 'file', path })
    await ask()
    vmm.setToken('the-next-one')
    writeFileSync(path, 'the-next-one')
    expect((await ask()).ok).toBe(true)
    expect(vmm.calls).toBe(3)
    expect((await ask()).ok).toBe(true)
    expect(vmm.calls).toBe(4)
  })

  it('asks once when the file holds the token that was refused', async () => {
    writeFileSync(path, 'wrong')
    const ask = createFor(vmm.url, { kind: 'file', path })
    expect(await ask()).toMatchObject({ failure: 'auth', status: 401 })
    expect(await ask()).toMatchObject({ failure: 'auth', status: 401 })
    expect(vmm.calls).toBe(2)
  })

  it('asks twice at the most when the other token is refused as well', async () => {
    writeFileSync(path, 'wrong')
    const ask = createFor(vmm.url, { kind: 'file', path })
    await ask()
    writeFileSync(path, 'also-wrong')
    expect(await ask()).toMatchObject({ failure: 'auth', status: 401 })
    expect(vmm.calls).toBe(3)
  })

  it('asks again within what is left of the same 2.5 s', async () => {
    vmm.setToken(undefined)
    vmm.behave([
      { kind: 'ok' },
      { kind: 'gate', until: delay(100), then: { kind: 'raw', status: 401 } },
    ])
    writeFileSync(path, TOKEN)
    const ask = createFor(vmm.url, { kind: 'file', path })
    await ask()
    writeFileSync(path, 'the-next-one')
    const deadlines = vi.spyOn(AbortSignal, 'timeout')
    expect((await ask()).ok).toBe(true)
    const [first = Infinity, second = Infinity] = deadlines.mock.calls.flat()
    expect(first).toBeLessThanOrEqual(2_500)
    expect(first - second).toBeGreaterThan(90)
  })

  it('ends in a timeout when it hangs after the token was refused', async () => {
    vmm.setToken(undefined)
    vmm.behave([{ kind: 'ok' }, raw('', 401), { kind: 'hang' }])
    writeFileSync(path, TOKEN)
    const ask = createFor(vmm.url, { kind: 'file', path })
    await ask()
    writeFileSync(path, 'the-next-one')
    expect(await ask()).toEqual({ ok: false, failure: 'timeout', detail: 'ETIMEDOUT' })
  })

  it('does not call without the token that it should have, and tries the file again', async () => {
    const ask = createFor(vmm.url, { kind: 'file', path })
    expect(await ask()).toEqual({
      ok: false,
      failure: 'auth',
      detail: 'the token file: missing, ENOENT',
      tokenProblem: 'missing',
    })
    expect(vmm.calls).toBe(0)
    writeFileSync(path, TOKEN)
    expect((await ask()).ok).toBe(true)
  })

  it('tells of a token that was refused and whose file is gone', async () => {
    writeFileSync(path, TOKEN)
    const ask = createFor(vmm.url, { kind: 'file', path })
    await ask()
    rmSync(path)
    vmm.setToken('the-next-one')
    expect(await ask()).toMatchObject({ failure: 'auth', status: 401, tokenProblem: 'missing' })
    writeFileSync(path, 'the-next-one')
    expect((await ask()).ok).toBe(true)
  })

  it.each<[string, (url: string) => ListGpus]>([
    ['a variable', (url) => createFor(url, { kind: 'value', token: TOKEN })],
    ['the URL', (url) => createFor(url.replace('//', `//user:${TOKEN}@`))],
    ['the user name in the URL', (url) => createFor(url.replace('//', `//${TOKEN}@`))],
  ])('never repeats a token from %s, whatever the VMM says', async (_place, create) => {
    const basic = Buffer.from(`user:${TOKEN}`).toString('base64')
    const { nsec } = makeKey()
    const secrets = `${TOKEN} ${basic} Bearer ${TOKEN} ${nsec}`
    vmm.behave({ kind: 'failure', message: `refused ${secrets} ${'x'.repeat(1000)}` })
    const reading = await create(vmm.url)()
    expect(reading).toHaveProperty('words', expect.stringMatching(/^refused \[secret\] /))
    const told = JSON.stringify(reading)
    expect(told).not.toContain(TOKEN)
    expect(told).not.toContain(nsec)
  })

  it('repeats no part of a token that the end of the words would cut', async () => {
    const before = 'x'.repeat(300 - TOKEN.length / 2)
    vmm.behave({ kind: 'failure', message: before + TOKEN })
    const reading = await createFor(vmm.url, { kind: 'value', token: TOKEN })()
    expect(JSON.stringify(reading)).not.toContain(TOKEN.slice(0, 4))
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
