import { afterEach, describe, expect, it } from 'vitest'
import {
  gpuCards,
  startSimulatedVmm,
  type SimulatedVmm,
  type SimulatedVmmOptions,
} from '../src/index.js'
import { ask } from './_request.js'

let vmm: SimulatedVmm
afterEach(() => vmm.close())

async function start(options?: SimulatedVmmOptions): Promise<void> {
  vmm = await startSimulatedVmm(options)
}

describe('ListGpus', () => {
  it('is answered as compact JSON in proto order, with the headers of the VMM', async () => {
    await start({ gpus: gpuCards('H200', 1) })
    const reply = await ask(vmm.url, '/prpc/ListGpus?json')
    expect(reply.status).toBe(200)
    expect(reply.body).toBe(
      '{"gpus":[{"slot":"18:00.0","product_id":"10de:2335",' +
        '"description":"NVIDIA Corporation GH100 [H200 SXM 141GB]","is_free":true}],' +
        '"allow_attach_all":true}',
    )
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(reply.body)),
      server: 'dstack VMM',
      'x-accel-buffering': 'no',
    })
    expect(reply.headers['x-app-version']).toMatch(/^v0\.5\.11 \(git:[0-9a-f]{20}\)$/)
  })

  it('emits defaults: no GPUs are an empty array, false is there', async () => {
    await start({ gpus: [], allowAttachAll: false })
    const { body } = await ask(vmm.url, '/prpc/ListGpus')
    expect(body).toBe('{"gpus":[],"allow_attach_all":false}')
  })

  it.each([
    ['0.5.2', '{"gpus":[]}'],
    ['0.4.2', '{"gpus":[]}'],
    ['0.5.3', '{"gpus":[],"allow_attach_all":true}'],
    ['0.6.0', '{"gpus":[],"allow_attach_all":true}'],
    ['1.0.0', '{"gpus":[],"allow_attach_all":true}'],
  ])('knows allow_attach_all since 0.5.3: version %s', async (version, body) => {
    await start({ gpus: [], version })
    expect((await ask(vmm.url, '/prpc/ListGpus')).body).toBe(body)
  })

  it('shows the cards that were set last', async () => {
    await start({ gpus: gpuCards('H200', 8) })
    vmm.setGpus(gpuCards('H200', 7))
    const { body } = await ask(vmm.url, '/prpc/ListGpus')
    expect(body.match(/"slot"/g)).toHaveLength(7)
  })

  it.each(['/prpc/ListGpus', '/prpc/ListGpus?json=0', '/prpc/Teepod.ListGpus'])(
    'is JSON for GET %s',
    async (path) => {
      await start({ gpus: [] })
      const { status, headers } = await ask(vmm.url, path)
      expect([status, headers['content-type']]).toEqual([200, 'application/json'])
      expect(vmm.calls).toBe(1)
    },
  )

  it.each(['?json', '?json=1', '?json=true', '?a=b&json'])('is JSON for POST %s', async (query) => {
    await start({ gpus: [] })
    const reply = await ask(vmm.url, `/prpc/ListGpus${query}`, { method: 'POST' })
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json'])
  })

  it('is JSON for POST with a JSON content type', async () => {
    await start({ gpus: [] })
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const reply = await ask(vmm.url, '/prpc/ListGpus', { method: 'POST', headers })
    expect(reply.body).toBe('{"gpus":[],"allow_attach_all":true}')
  })

  it.each(['', '?json=0', '?json=yes'])('is protobuf for POST %s', async (query) => {
    const [card] = gpuCards('H200', 1)
    await start({
      gpus: [{ ...card, slot: 'a', product_id: 'bc', description: '', is_free: true }],
    })
    const reply = await fetch(`${vmm.url}/prpc/ListGpus${query}`, { method: 'POST' })
    expect(reply.headers.get('content-type')).toBe('application/octet-stream')
    expect(Buffer.from(await reply.arrayBuffer()).toString('hex')).toBe(
      '0a09' + '0a0161' + '12026263' + '2001' + '1001',
    )
  })

  it('writes lengths over 127 as protobuf does', async () => {
    const card = { slot: '', product_id: '', description: 'x'.repeat(300), is_free: false }
    await start({ gpus: [card], allowAttachAll: false })
    const reply = await fetch(`${vmm.url}/prpc/ListGpus`, { method: 'POST' })
    const bytes = Buffer.from(await reply.arrayBuffer())
    expect(bytes.subarray(0, 6).toString('hex')).toBe('0aaf02' + '1aac02')
    expect(bytes).toHaveLength(306)
  })
})

describe('the other paths', () => {
  it('answers Version', async () => {
    await start({ version: '0.5.8' })
    const { body } = await ask(vmm.url, '/prpc/Version')
    expect(body).toMatch(/^\{"version":"0\.5\.8","rev":"git:[0-9a-f]{20}"\}$/)
    expect(vmm.calls).toBe(0)
  })

  it('answers an unknown method with 400 and one pretty key', async () => {
    await start()
    const { status, body } = await ask(vmm.url, '/prpc/Vmm.ListGpus')
    expect(status).toBe(400)
    expect(body).toBe('{\n  "error": "Service not found: Vmm.ListGpus"\n}')
  })

  it.each(['/', '/prpc', '/prpc/Vmm/ListGpus', '/nothing'])(
    'answers %s with the 404 page of Rocket',
    async (path) => {
      await start()
      const page = await ask(vmm.url, path)
      expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
      const json = await ask(vmm.url, path, { headers: { accept: 'application/json' } })
      expect(json.headers['content-type']).toBe('application/json')
      expect(JSON.parse(json.body)).toMatchObject({ error: { code: 404, reason: 'Not Found' } })
    },
  )

  it('answers a body over 10 MiB with 400, as protobuf unless the query asks for JSON', async () => {
    await start()
    const send = (query: string) =>
      fetch(`${vmm.url}/prpc/ListGpus${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: ' '.repeat(10 * 1024 * 1024 + 1),
      })
    const [early, asked] = [await send(''), await send('?json')]
    expect([early.status, asked.status]).toEqual([400, 400])
    expect(early.headers.get('content-type')).toBe('application/octet-stream')
    expect(await asked.json()).toEqual({ error: 'failed to read data: payload too large' })
  })
})

describe('the log', () => {
  it('has every request with its query and headers, and can be waited for', async () => {
    await start()
    const both = vmm.received(2)
    await ask(vmm.url, '/prpc/ListGpus?json', { headers: { 'x-admin-token': 't' } })
    await ask(vmm.url, '/', { method: 'POST' })
    await both
    expect(vmm.requests).toMatchObject([
      { method: 'GET', path: '/prpc/ListGpus?json', headers: { 'x-admin-token': 't' } },
      { method: 'POST', path: '/' },
    ])
    expect(vmm.calls).toBe(1)
    await vmm.received(2)
  })
})
