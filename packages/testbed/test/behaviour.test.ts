import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGate, startSimulatedVmm, type SimulatedVmm } from '../src/index.js'
import { ask, errorCode } from './_request.js'

const USUAL = '{"gpus":[],"allow_attach_all":true}'

let vmm: SimulatedVmm
beforeEach(async () => {
  vmm = await startSimulatedVmm({ gpus: [] })
})
afterEach(() => vmm.close())

const call = () => ask(vmm.url, '/prpc/ListGpus?json')
const fetchCall = (signal?: AbortSignal) =>
  fetch(`${vmm.url}/prpc/ListGpus?json`, signal ? { signal } : {})

describe('ListGpus that', () => {
  it('hangs is accepted and not answered', async () => {
    vmm.behave({ kind: 'hang' })
    const abort = new AbortController()
    const answer = fetchCall(abort.signal)
    await vmm.received(1)
    abort.abort()
    await expect(answer).rejects.toThrow('aborted')
    vmm.behave({ kind: 'ok' })
    expect((await call()).body).toBe(USUAL)
  })

  it('resets breaks the connection', async () => {
    vmm.behave({ kind: 'reset' })
    expect(await errorCode(call())).toBe('ECONNRESET')
  })

  it('drips sends headers and then bytes that never become a body', async () => {
    vmm.behave({ kind: 'drip', everyMs: 1 })
    const reply = await fetchCall()
    expect(reply.status).toBe(200)
    const reader = reply.body?.getReader()
    let text = ''
    while (text.length < 3) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(text).toMatch(/^\{ +$/)
    await reader?.cancel()
  })

  it('drips headers never gets to the end of them', async () => {
    vmm.behave({ kind: 'drip', everyMs: 1, part: 'headers' })
    const socket = connect(Number(new URL(vmm.url).port), '127.0.0.1')
    socket.write('GET /prpc/ListGpus HTTP/1.1\r\nhost: localhost\r\n\r\n')
    let text = ''
    while (!text.endsWith('...')) text += String((await once(socket, 'data'))[0])
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Drip: \.+$/)
    socket.destroy()
  })

  it('is slow sends the usual answer in the end', async () => {
    vmm.behave({ kind: 'slow', everyMs: 1 })
    expect((await call()).body).toBe(USUAL)
  })

  it('is short promises more than it sends', async () => {
    vmm.behave({ kind: 'short' })
    const reply = await fetchCall()
    expect(reply.headers.get('content-length')).toBe(String(USUAL.length))
    await expect(reply.text()).rejects.toThrow('terminated')
  })

  it.each([true, false])('is huge sends 5 MiB of valid JSON, chunked: %s', async (chunked) => {
    vmm.behave({ kind: 'huge', chunked })
    const reply = await call()
    expect(reply.body).toHaveLength(5 * 1024 * 1024)
    expect(reply.headers['content-length'] === undefined).toBe(chunked)
    expect(JSON.parse(reply.body)).toEqual(JSON.parse(USUAL))
  })

  it('fails answers as a VMM without lspci', async () => {
    vmm.behave({ kind: 'failure' })
    const reply = await call()
    expect(reply.status).toBe(400)
    expect(reply.body).toBe(
      '{\n  "error": "Failed to list GPU devices: Failed to run lspci: ' +
        'No such file or directory (os error 2)"\n}',
    )
  })

  it('is raw sends exactly what was given', async () => {
    const headers = { 'Content-Type': 'text/html' }
    vmm.behave({ kind: 'raw', status: 502, headers, body: '<html>' })
    const reply = await call()
    expect([reply.status, reply.headers['content-type'], reply.body]).toEqual([
      502,
      'text/html',
      '<html>',
    ])
    expect(reply.headers['server']).toBeUndefined()
  })

  it.each([
    [{ kind: 'raw', status: 302, headers: { location: 'http://127.0.0.1:1/' } } as const, 302, ''],
    [{ kind: 'raw', body: 'null' } as const, 200, 'null'],
    [{ kind: 'raw', status: 204 } as const, 204, ''],
  ])('is raw needs no more than what matters: %o', async (behaviour, status, body) => {
    vmm.behave(behaviour)
    const reply = await call()
    expect([reply.status, reply.body]).toEqual([status, body])
  })

  it('is gated waits for the promise, then does what was asked', async () => {
    const gate = createGate()
    let isAnswered = false
    vmm.behave({ kind: 'gate', until: gate.until, then: { kind: 'raw', status: 500 } })
    const answer = call().finally(() => (isAnswered = true))
    await vmm.received(1)
    await ask(vmm.url, '/prpc/Version')
    expect(isAnswered).toBe(false)
    gate.open()
    expect((await answer).status).toBe(500)
  })
})

describe('a script', () => {
  const statuses = async (count: number) => {
    const seen: number[] = []
    while (seen.length < count) seen.push((await call()).status)
    return seen
  }

  it('stays with a single behaviour', async () => {
    vmm.behave({ kind: 'raw', status: 500 })
    expect(await statuses(2)).toEqual([500, 500])
  })

  it('uses up a queue and returns to the usual answer', async () => {
    vmm.behave([{ kind: 'raw', status: 500 }, { kind: 'failure' }])
    expect(await statuses(4)).toEqual([500, 400, 200, 200])
  })

  it('begins again when it flaps', async () => {
    vmm.behave({ kind: 'flapping', behaviours: [{ kind: 'ok' }, { kind: 'failure' }] })
    expect(await statuses(5)).toEqual([200, 400, 200, 400, 200])
  })
})
