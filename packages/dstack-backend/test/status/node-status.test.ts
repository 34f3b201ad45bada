import { describe, expect, it } from 'vitest'
import { nodeStatusSchema } from '../../src/status/node-status-schema.js'
import { toNodeStatus } from '../../src/status/node-status.js'
import type { NodeFacts } from '../../src/status/node-facts.js'
import { DOWN, makeFacts, sampleOf, THEN } from '../_facts.js'
import { NPUB, PUBKEY } from '../_server.js'

const names = { identity: { pubkey: PUBKEY, npub: NPUB }, version: '1.2.3' }
const at = THEN.toISOString()

function statusOf(other: Partial<NodeFacts> = {}) {
  const status = toNodeStatus(names, makeFacts(other))
  nodeStatusSchema.parse(status)
  return status
}

describe('the status of a machine', () => {
  it('has the fields of the first release in their order, and the new ones before the endpoints', () => {
    expect(Object.keys(statusOf())).toEqual([
      'service',
      'description',
      'version',
      'pubkey',
      'npub',
      'owner',
      'node_type',
      'ip_address',
      'registration',
      'dstack',
      'expected',
      'gpus',
      'permission',
      'whitelist',
      'address',
      'warnings',
      'endpoints',
    ])
  })

  it('tells of the GPUs, and what there should be', () => {
    expect(statusOf()).toMatchObject({
      dstack: { state: 'available', gpu_count: 2, free_gpu_count: 1, sampled_at: at },
      expected: { model: 'H200', count: 2 },
      gpus: [
        {
          slot: '18:00.0',
          product_id: '10de:2335',
          model: 'H200 SXM 141GB',
          description: 'NVIDIA Corporation GH100 [H200 SXM 141GB]',
          is_free: true,
        },
        { slot: '19:00.0', is_free: false },
      ],
      warnings: [],
    })
  })

  it('has no GPUs, rather than an empty list, while DStack does not list them', () => {
    expect(statusOf({ sample: sampleOf(DOWN) })).toMatchObject({
      dstack: {
        state: 'unavailable',
        reason: 'DStack can not be reached',
        class: 'connect',
        next_step: 'Start the VMM.',
        sampled_at: at,
      },
      gpus: null,
      warnings: [
        {
          code: 'dstack_connect',
          message: 'DStack can not be reached',
          next_step: 'Start the VMM.',
        },
      ],
    })
  })

  it('says null where something is not known', () => {
    const unknown = {
      nodeType: undefined,
      expected: undefined,
      sample: undefined,
      permission: {},
      whitelist: undefined,
      address: undefined,
    }
    expect(statusOf(unknown)).toMatchObject({
      node_type: null,
      ip_address: null,
      dstack: { state: 'unknown' },
      expected: null,
      gpus: null,
      permission: { allowed: null, checked_at: null },
      whitelist: null,
      address: { ip: null, source: null },
    })
    expect(statusOf({ expected: { count: 8 }, whitelist: {} })).toMatchObject({
      expected: { model: null, count: 8 },
      whitelist: { code: null, checked_at: null },
    })
  })

  it('tells what the network says of the key, as of when, and what kept it from saying more', () => {
    expect(statusOf()).toMatchObject({
      permission: { allowed: true, checked_at: at },
      whitelist: { code: 'listed', checked_at: at },
    })
    const problem = 'it refused the connection'
    const status = statusOf({
      permission: { answer: { value: { allowed: false }, at: THEN }, problem },
      whitelist: { problem },
    })
    expect(status).toMatchObject({
      permission: { allowed: false, checked_at: at, problem },
      whitelist: { code: null, checked_at: null, problem },
    })
  })

  it('never has the detail of a failure, which is for the log', () => {
    const sample = sampleOf({ ok: false, failure: 'connect', detail: '/run/secret/vmm.sock' })
    expect(JSON.stringify(statusOf({ sample }))).not.toContain('secret')
  })
})
