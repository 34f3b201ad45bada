import { startSimulatedRegistry, type SimulatedRegistry } from '@dstack-node/testbed'
import { Agent } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistryClient } from '../../src/registry/registry-client.js'

const PUBKEY = 'ab'.repeat(32)
const WORKER = {
  pubkey: PUBKEY,
  owner: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  node_type: 'n',
}

let registry: SimulatedRegistry
beforeEach(async () => {
  registry = await startSimulatedRegistry()
})
afterEach(() => registry.close())

function client(authorization?: string) {
  const endpoint = { baseUrl: registry.url, ...(authorization !== undefined && { authorization }) }
  return createRegistryClient(endpoint, new Agent({ pipelining: 0 }))
}

function limits(timeoutMs = 30_000) {
  return { timeoutMs, signal: new AbortController().signal }
}

async function wordsOf(body: string): Promise<string | undefined> {
  registry.onRegister({ kind: 'raw', status: 403, body })
  const reply = await client().postWorker(WORKER, limits())
  return reply.kind === 'answer' ? reply.words : undefined
}

describe('postWorker', () => {
  it('sends the three fields as JSON, in the order of the original', async () => {
    await client().postWorker(WORKER, limits())
    const [request] = registry.requests
    expect(request?.headers['content-type']).toBe('application/json')
    expect(request?.body).toBe(JSON.stringify(WORKER))
  })

  it('sends the credentials of the URL', async () => {
    await client('Basic eDp5').postWorker(WORKER, limits())
    expect(registry.requests[0]?.headers['authorization']).toBe('Basic eDp5')
  })

  it.each([
    ['{"error":"no"}', 'no'],
    ['{"message":"no"}', 'no'],
    ['{"error":{"message":"no"}}', 'no'],
    ['just text', 'just text'],
    ['two\nlines\u0000\u001b[31m', 'two lines [31m'],
    ['', ''],
  ])("finds the registry's words in %j", async (body, words) => {
    expect(await wordsOf(body)).toBe(words)
  })

  it('does not repeat the credentials that were sent', async () => {
    const header = `Basic ${Buffer.from('alice:s3cret').toString('base64')}`
    registry.onRegister({ kind: 'raw', status: 403, body: `no entry for ${header}, s3cret` })
    const reply = await client(header).postWorker(WORKER, limits())
    expect(reply).toMatchObject({ words: 'no entry for Basic [secret], [secret]' })
  })

  it('shortens an answer of 100 KB', async () => {
    expect(await wordsOf('x'.repeat(100_000))).toBe(`${'x'.repeat(300)}…`)
  })

  it('reads no further than it must when an answer does not end', async () => {
    registry.onRegister({ kind: 'huge' })
    expect(await client().postWorker(WORKER, limits())).toMatchObject({ kind: 'answer' })
  })
})

describe('getPermission', () => {
  it.each([
    ['hang', ['ETIMEDOUT']],
    ['reset', ['UND_ERR_SOCKET', 'ECONNRESET']],
  ] as const)('says that %s is no answer', async (kind, codes) => {
    registry.onPermission({ kind })
    const timeoutMs = kind === 'hang' ? 300 : 30_000
    const reply = await client().getPermission(PUBKEY, limits(timeoutMs))
    expect(codes).toContain(reply.kind === 'no_answer' && reply.code)
  })

  it('reads a permission with thousands of topics', async () => {
    const topics = Array.from({ length: 3_000 }, (_, index) => `a-topic-with-a-long-name-${index}`)
    const body = JSON.stringify({ read: { topics }, write: { mode: 'AllowAll' } })
    registry.onPermission({ kind: 'raw', body })
    expect(await client().getPermission(PUBKEY, limits())).toMatchObject({ allowsAll: true })
  })

  it('takes a permission that was cut off for half an answer, not for a refusal', async () => {
    registry.permit(PUBKEY)
    registry.onPermission({ kind: 'huge' })
    expect(await client().getPermission(PUBKEY, limits())).toMatchObject({ bodyError: 'EMSGSIZE' })
  })

  it.each(['drip', 'short'] as const)(
    'reads no permission from a body that is %s',
    async (kind) => {
      registry.permit(PUBKEY)
      registry.onPermission({ kind })
      const timeoutMs = kind === 'drip' ? 3_000 : 30_000
      const reply = await client().getPermission(PUBKEY, limits(timeoutMs))
      expect(reply).toMatchObject({ kind: 'answer', status: 200, allowsAll: false })
    },
  )
})
