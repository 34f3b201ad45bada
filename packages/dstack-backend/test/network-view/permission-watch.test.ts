import { startSimulatedRegistry, type SimulatedRegistry } from '@dstack-node/testbed'
import { Agent } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPermissionWatch } from '../../src/network-view/permission-watch.js'
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryReply,
} from '../../src/registry/registry-client.js'
import { recordingLog } from '../_log.js'
import { manualTiming } from './_timing.js'

const PUBKEY = 'ab'.repeat(32)
const REGISTERED_AT = new Date(5_000)
const NOW = new Date(9_000)

let registry: SimulatedRegistry
beforeEach(async () => {
  registry = await startSimulatedRegistry()
})
afterEach(() => registry.close())

async function setup({
  how = 'known',
  client = createRegistryClient({ baseUrl: registry.url }, new Agent({ pipelining: 0 })),
}: { how?: 'known' | 'new'; client?: RegistryClient } = {}) {
  const time = manualTiming()
  const { log } = await recordingLog()
  const watch = createPermissionWatch({
    client,
    pubkey: PUBKEY,
    registration: { how, registeredAt: REGISTERED_AT },
    log,
    now: () => NOW,
    timing: time.timing,
  })
  watch.start()
  /** What is known after one more question. */
  const ask = async () => {
    await time.round()
    return watch.state()
  }
  return { ...time, watch, ask }
}

const BEFORE = { value: { allowed: true }, at: REGISTERED_AT }

describe('createPermissionWatch', () => {
  it('starts with the answer that the registration got', async () => {
    expect((await setup({ how: 'known' })).watch.state()).toEqual({ answer: BEFORE })
  })

  it('starts without an answer where the key was registered just now', async () => {
    expect((await setup({ how: 'new' })).watch.state()).toEqual({})
  })

  it('asks first after about ten minutes: a registry may take some to act', async () => {
    const { waits, watch } = await setup({ how: 'new' })
    expect(waits).toEqual([600_000])
    expect(registry.requests).toHaveLength(0)
    watch.stop()
  })

  it('asks for the permission of its key', async () => {
    const { ask } = await setup()
    await ask()
    expect(registry.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /permissions/${PUBKEY}`,
    ])
  })

  it('learns that the permission was withdrawn, and that it is back', async () => {
    const { ask, watch } = await setup()
    const changes: unknown[] = []
    watch.onChange(({ answer }) => void changes.push(answer?.value.allowed))
    registry.permit(PUBKEY)
    expect(await ask()).toEqual({ answer: { value: { allowed: true }, at: NOW } })
    registry.revoke(PUBKEY)
    expect(await ask()).toEqual({ answer: { value: { allowed: false }, at: NOW } })
    registry.permit(PUBKEY)
    expect(await ask()).toEqual({ answer: { value: { allowed: true }, at: NOW } })
    expect(changes).toEqual([false, true])
  })

  it('never does anything but ask', async () => {
    const { ask } = await setup()
    await ask()
    await ask()
    expect(registry.requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it.each([
    ['404', { kind: 'raw', status: 404 }],
    ['403', { kind: 'raw', status: 403, body: '{"error":"no"}' }],
    ['401', { kind: 'raw', status: 401 }],
    ['400', { kind: 'raw', status: 400 }],
    ['200 without a body', { kind: 'raw', status: 200 }],
    ['Allow instead of AllowAll', { kind: 'raw', body: '{"write":{"mode":"Allow"}}' }],
    ['true instead of a mode', { kind: 'raw', body: '{"write":true}' }],
    ['a page', { kind: 'raw', body: '<html>', headers: { 'content-type': 'text/html' } }],
  ] as const)('takes %s for not allowed', async (_name, behaviour) => {
    registry.onPermission(behaviour)
    expect(await (await setup()).ask()).toEqual({ answer: { value: { allowed: false }, at: NOW } })
  })

  it.each([
    ['408', { kind: 'raw', status: 408 }, /answered 408/],
    ['429', { kind: 'raw', status: 429 }, /answered 429/],
    ['500', { kind: 'raw', status: 500, body: '{"error":"sorry"}' }, /answered 500 .*"sorry"/],
    ['503', { kind: 'raw', status: 503 }, /answered 503/],
    [
      'a redirect',
      { kind: 'raw', status: 308, headers: { location: 'https://new.example/' } },
      /set REGISTRY_URL to where it points, https:\/\/new\.example\//,
    ],
    ['a reset', { kind: 'reset' }, /ended the connection .* REGISTRY_URL/],
    ['half a body', { kind: 'short' }, /ended the connection/],
  ] as const)('keeps the last answer when there is %s', async (_name, behaviour, problem) => {
    registry.permit(PUBKEY)
    registry.onPermission(behaviour)
    expect(await (await setup()).ask()).toEqual({
      answer: BEFORE,
      problem: expect.stringMatching(problem) as string,
    })
  })

  it('keeps the last answer while the registry is down, and heals', async () => {
    registry.permit(PUBKEY)
    const { ask } = await setup()
    await registry.stop()
    expect(await ask()).toEqual({
      answer: BEFORE,
      problem: expect.stringMatching(
        /^the registry refused the connection: is it running, and is REGISTRY_URL right\?/,
      ) as string,
    })
    await registry.start()
    expect(await ask()).toEqual({ answer: { value: { allowed: true }, at: NOW } })
  })

  it('gives a request ten seconds', async () => {
    const limits: number[] = []
    const reply: RegistryReply = { kind: 'no_answer', code: 'ETIMEDOUT' }
    const client = {
      getPermission: async (_pubkey: string, { timeoutMs }: { timeoutMs: number }) => {
        limits.push(timeoutMs)
        return reply
      },
      postWorker: async () => reply,
    }
    expect((await (await setup({ client })).ask()).problem).toMatch(/did not answer in time/)
    expect(limits).toEqual([10_000])
  })

  it('ends a request under way when it stops, and learns nothing of it', async () => {
    registry.onPermission({ kind: 'hang' })
    const { ring, watch, waits } = await setup()
    ring()
    await registry.received(1)
    watch.stop()
    await registry.stop()
    await new Promise(setImmediate)
    expect(watch.state()).toEqual({ answer: BEFORE })
    expect(waits).toHaveLength(1)
  })
})
