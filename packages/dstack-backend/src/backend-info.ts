import type { DstackFailure, GpuReading } from './dstack/dstack-client.js'

/**
 * The answer of `/health`, whose keys and their order are what workers have always read. Consumers store
 * it and compare: the same state must give the same bytes, so nothing in it may tell the time.
 */
export interface BackendInfo {
  version: string
  topic: string
  pubkeys: string[]
  status: 'Available' | 'Unavailable'
  /** JSON text, or a sentence that starts with `Error: `. */
  metadata: string
  ip_address: string | null
}

/** Of the answer's form, not of this program. */
const FORM_VERSION = '1.0.0'
const TOPIC = 'dstack-gpu-monitor'

const FAILURES: Record<DstackFailure, string> = {
  connect: 'DStack can not be reached',
  timeout: 'DStack did not answer in time',
  auth: 'DStack refused the request as unauthorised',
  http: 'DStack answered with an error',
  invalid: 'the answer is not one of DStack',
  too_large: "DStack's answer is too large",
}

/** What `/health` says of a reading. */
export function toBackendInfo(
  pubkey: string,
  reading: GpuReading,
  ipAddress: string | null,
): BackendInfo {
  return {
    version: FORM_VERSION,
    topic: TOPIC,
    pubkeys: [pubkey],
    status: reading.ok ? 'Available' : 'Unavailable',
    metadata: reading.ok ? formatGpus(reading) : `Error: ${describeFailure(reading.failure)}`,
    ip_address: ipAddress,
  }
}

/** The stable sentence for a failure. */
export function describeFailure(failure: DstackFailure): string {
  return FAILURES[failure]
}

function formatGpus({ gpus, allowAttachAll }: GpuReading & { ok: true }): string {
  return JSON.stringify({
    gpu_count: gpus.length,
    gpus: gpus.map(({ slot, productId, description, isFree }) => ({
      slot,
      product_id: productId,
      description,
      is_free: isFree,
    })),
    allow_attach_all: allowAttachAll,
  })
}
