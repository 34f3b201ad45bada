import type { Gpu, GpuReading } from '../src/dstack/dstack-client.js'
import type { NodeFacts, NodeSample } from '../src/status/node-facts.js'

export const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
/** When everything in the facts happened. */
export const THEN = new Date('2026-01-02T03:04:05.678Z')

const H200 = '10de:2335'

/** GPUs as the VMM lists them, the first one free. */
export function makeGpus(count: number, productId = H200): Gpu[] {
  return Array.from({ length: count }, (_, index) => ({
    slot: `${(0x18 + index).toString(16)}:00.0`,
    productId,
    description: 'NVIDIA Corporation GH100 [H200 SXM 141GB]',
    isFree: index === 0,
  }))
}

export function listing(gpus: Gpu[]): GpuReading {
  return { ok: true, gpus, allowAttachAll: true }
}

export const DOWN: GpuReading = { ok: false, failure: 'connect', detail: 'ECONNREFUSED' }

export function sampleOf(reading: GpuReading): NodeSample {
  return { reading, takenAt: THEN, advice: reading.ok ? '' : 'Start the VMM.' }
}

/** A machine where all is well: two H200, of which one is free. */
export function makeFacts(other: Partial<NodeFacts> = {}): NodeFacts {
  return {
    owner: { address: OWNER },
    nodeType: 'node-H200x2',
    registration: { how: 'new', registeredAt: THEN, nodeType: 'node-H200x2' },
    expected: { model: 'H200', count: 2 },
    sample: sampleOf(listing(makeGpus(2))),
    permission: { answer: { value: { allowed: true }, at: THEN } },
    whitelist: { answer: { value: { code: 'listed' }, at: THEN } },
    address: { address: '10.0.0.7', source: 'route', containerOnly: false },
    ...other,
  }
}
