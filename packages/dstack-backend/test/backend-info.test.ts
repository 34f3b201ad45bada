import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeFailure, toBackendInfo } from '../src/backend-info.js'
import type { DstackFailure, Gpu } from '../src/dstack/dstack-client.js'

const PUBKEY = 'ab'.repeat(32)
const FAILURES: DstackFailure[] = ['connect', 'timeout', 'auth', 'http', 'invalid', 'too_large']

const gpu: fc.Arbitrary<Gpu> = fc.record({
  slot: fc.string({ unit: 'binary' }),
  productId: fc.string({ unit: 'binary' }),
  description: fc.string({ unit: 'binary' }),
  isFree: fc.boolean(),
})

describe('toBackendInfo', () => {
  it('is byte for byte what the worker has always read', () => {
    const gpus = [
      { slot: '0f:00.0', productId: '10de:2335', description: 'NVIDIA "H200"', isFree: true },
    ]
    const info = toBackendInfo(PUBKEY, { ok: true, gpus, allowAttachAll: true }, '10.0.0.7')
    expect(JSON.stringify(info)).toBe(
      `{"version":"1.0.0","topic":"dstack-gpu-monitor","pubkeys":["${PUBKEY}"],"status":"Available",` +
        '"metadata":"{\\"gpu_count\\":1,\\"gpus\\":[{\\"slot\\":\\"0f:00.0\\",\\"product_id\\":\\"10de:2335\\",' +
        '\\"description\\":\\"NVIDIA \\\\\\"H200\\\\\\"\\",\\"is_free\\":true}],\\"allow_attach_all\\":true}",' +
        '"ip_address":"10.0.0.7"}',
    )
  })

  it('is Available without a single GPU', () => {
    const info = toBackendInfo(PUBKEY, { ok: true, gpus: [], allowAttachAll: false }, null)
    expect(info).toMatchObject({
      status: 'Available',
      metadata: '{"gpu_count":0,"gpus":[],"allow_attach_all":false}',
      ip_address: null,
    })
  })

  it.each(FAILURES)('is Unavailable after %s, with a sentence that holds no detail', (failure) => {
    const info = toBackendInfo(PUBKEY, { ok: false, failure, detail: 'port 1234' }, null)
    expect(info.status).toBe('Unavailable')
    expect(info.metadata).toBe(`Error: ${describeFailure(failure)}`)
  })

  it('gives every card back, whatever its texts are', () => {
    fc.assert(
      fc.property(fc.array(gpu), fc.boolean(), (gpus, allowAttachAll) => {
        const { metadata } = toBackendInfo(PUBKEY, { ok: true, gpus, allowAttachAll }, null)
        expect(JSON.parse(metadata)).toEqual({
          gpu_count: gpus.length,
          gpus: gpus.map(({ slot, productId, description, isFree }) => ({
            slot,
            product_id: productId,
            description,
            is_free: isFree,
          })),
          allow_attach_all: allowAttachAll,
        })
      }),
    )
  })
})
