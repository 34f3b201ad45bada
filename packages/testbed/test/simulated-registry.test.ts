import { afterEach, describe, expect, it } from 'vitest'
import {
  createGate,
  startSimulatedRegistry,
  type SimulatedRegistry,
  type SimulatedRegistryOptions,
} from '../src/index.js'
import { ask, errorCode } from './_request.js'

const PUBKEY = 'a1'.repeat(32)
const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
const WORKER = { pubkey: PUBKEY, owner: OWNER, node_type: 'node-H100x1' }

let registry: SimulatedRegistry
afterEach(() => registry.close())

async function start(options?: SimulatedRegistryOptions): Promise<void> {
  registry = await startSimulatedRegistry(options)
}

const permission = (pubkey = PUBKEY) => fetch(`${registry.url}/permissions/${pubkey}`)
const post = (body: string, type = 'application/json') =>
  fetch(`${registry.url}/workers`, { method: 'POST', headers: { 'content-type': type }, body })
const register = () => post(JSON.stringify(WORKER))

/** The code of the reason why a fetch failed. */
const causeOf = (answer: Promise<unknown>) =>
  errorCode(
    answer.catch((error: unknown) => {
      throw error instanceof Error ? error.cause : error
    }),
  )

describe('GET /permissions/<pubkey>', () => {
  it('knows nobody at first, and everybody who registered', async () => {
    await start()
    const before = await permission()
    expect(before.status).toBe(404)
    expect(before.headers.get('content-type')).toBe('application/json')
    expect((await register()).status).toBe(201)
    const after = await permission()
    expect(after.status).toBe(200)
    expect(await after.text()).toBe('{"read":{"mode":"AllowAll"},"write":{"mode":"AllowAll"}}')
  })

  it('follows permit and revoke', async () => {
    await start()
    registry.permit(PUBKEY)
    expect((await permission()).status).toBe(200)
    registry.revoke(PUBKEY)
    expect((await permission()).status).toBe(404)
    expect(registry.workers.size).toBe(0)
  })

  it.each([PUBKEY.toUpperCase(), PUBKEY.slice(1), `${PUBKEY}0`, 'npub1'])(
    'refuses %s',
    async (pubkey) => {
      await start()
      expect((await permission(pubkey)).status).toBe(400)
    },
  )
})

describe('POST /workers', () => {
  it('remembers the worker', async () => {
    await start()
    expect(await (await register()).json()).toEqual(WORKER)
    const { pubkey, ...worker } = WORKER
    expect([...registry.workers]).toEqual([[pubkey, worker]])
  })

  it('answers 409 to a worker it has, permitted or not', async () => {
    await start()
    await register()
    expect((await register()).status).toBe(409)
    registry.revoke(PUBKEY)
    expect((await register()).status).toBe(409)
    expect((await permission()).status).toBe(404)
  })

  it.each([
    ['no JSON', 'pubkey=1'],
    ['an array', '[]'],
    ['null', 'null'],
    ['no pubkey', JSON.stringify({ ...WORKER, pubkey: undefined })],
    ['a pubkey in capitals', JSON.stringify({ ...WORKER, pubkey: PUBKEY.toUpperCase() })],
    ['a short pubkey', JSON.stringify({ ...WORKER, pubkey: PUBKEY.slice(2) })],
    ['an owner without 0x', JSON.stringify({ ...WORKER, owner: OWNER.slice(2) })],
    ['an owner that is no text', JSON.stringify({ ...WORKER, owner: 1 })],
    ['no node_type', JSON.stringify({ ...WORKER, node_type: undefined })],
    ['a node_type that is no text', JSON.stringify({ ...WORKER, node_type: null })],
  ])('answers 400 to %s', async (_, body) => {
    await start()
    const reply = await post(body)
    expect(reply.status).toBe(400)
    expect(await reply.text()).toMatch(/^\{"error":".+"\}$/)
    expect(registry.workers.size).toBe(0)
  })

  it('answers 415 to another content type and 413 to a body over 64 KiB', async () => {
    await start()
    expect((await post(JSON.stringify(WORKER), 'text/plain')).status).toBe(415)
    expect((await post(' '.repeat(64 * 1024 + 1))).status).toBe(413)
  })
})

describe('other requests', () => {
  it('are 404, or 405 on a path that exists', async () => {
    await start()
    expect((await fetch(`${registry.url}/`)).status).toBe(404)
    expect((await fetch(`${registry.url}/permissions/`)).status).toBe(404)
    expect((await fetch(`${registry.url}/workers`)).status).toBe(405)
    expect((await fetch(`${registry.url}/permissions/${PUBKEY}`, { method: 'PUT' })).status).toBe(
      405,
    )
  })

  it('are all that is behind no prefix', async () => {
    await start({ prefix: '/api/v1/' })
    expect(registry.url).toMatch(/:\d+\/api\/v1$/)
    expect((await register()).status).toBe(201)
    const { origin } = new URL(registry.url)
    expect((await fetch(`${origin}/permissions/${PUBKEY}`)).status).toBe(404)
    expect((await fetch(`${origin}/api/v12/permissions/${PUBKEY}`)).status).toBe(404)
    expect((await permission()).status).toBe(200)
  })

  it('are logged in order with their bodies', async () => {
    await start()
    await permission()
    await register()
    await registry.received(2)
    expect(registry.requests).toMatchObject([
      { method: 'GET', path: `/permissions/${PUBKEY}`, body: '' },
      { method: 'POST', path: '/workers', body: JSON.stringify(WORKER) },
    ])
    expect(registry.requests[1]?.headers['content-type']).toBe('application/json')
  })
})

describe('a scripted registry', () => {
  it('does what was asked before the answer is lost', async () => {
    await start({ register: [{ kind: 'lost' }] })
    expect(await causeOf(register())).toMatch(/^(?:ECONNRESET|UND_ERR_SOCKET)$/)
    expect(registry.workers.has(PUBKEY)).toBe(true)
    expect((await permission()).status).toBe(200)
    expect((await register()).status).toBe(409)
  })

  it('does nothing before it resets', async () => {
    await start()
    registry.onRegister([{ kind: 'reset' }])
    expect(await causeOf(register())).toMatch(/^(?:ECONNRESET|UND_ERR_SOCKET)$/)
    expect(registry.workers.size).toBe(0)
    expect((await register()).status).toBe(201)
  })

  it('gives the answers it was given, one per request', async () => {
    await start()
    const headers = { 'retry-after': '1' }
    registry.onRegister([
      { kind: 'raw', status: 429, headers, body: '{}' },
      { kind: 'raw', status: 503 },
    ])
    const first = await register()
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '1'])
    expect((await register()).status).toBe(503)
    expect((await register()).status).toBe(201)
  })

  it.each([
    [true, 200],
    [false, 404],
  ])('applies what a scripted answer covers only when told: %s', async (applied, status) => {
    await start()
    registry.onRegister({ kind: 'raw', status: 204, applied })
    expect((await register()).status).toBe(204)
    expect((await permission()).status).toBe(status)
  })

  it('scripts the two requests apart from each other', async () => {
    await start()
    registry.onPermission({ kind: 'raw', body: '{"write":true}' })
    expect(await (await permission()).json()).toEqual({ write: true })
    expect((await register()).status).toBe(201)
  })

  it('holds a request at a gate', async () => {
    await start()
    const gate = createGate()
    registry.onRegister({ kind: 'gate', until: gate.until })
    const answer = register()
    await registry.received(1)
    expect((await permission()).status).toBe(404)
    gate.open()
    expect((await answer).status).toBe(201)
  })

  it('ends a request that hangs when it closes', async () => {
    await start({ permission: { kind: 'hang' } })
    const answer = causeOf(permission())
    await registry.received(1)
    await registry.close()
    expect(await answer).toMatch(/^(?:ECONNRESET|UND_ERR_SOCKET)$/)
  })

  it('comes back with what it knew', async () => {
    await start()
    await register()
    await registry.stop()
    // Not with fetch, which might still try the connection it kept.
    expect(await errorCode(ask(registry.url, '/'))).toBe('ECONNREFUSED')
    await registry.start()
    expect((await ask(registry.url, `/permissions/${PUBKEY}`)).status).toBe(200)
  })
})
