import { JSON_HEADERS, type ReadyAnswer } from '@dstack-node/service-kit'
import { HEADERS_READABLE } from '@dstack-node/service-kit/cors'
import { toBackendInfo } from '../backend-info.js'
import type { GpuMonitor, GpuSample } from '../dstack/gpu-monitor.js'
import type { Identity } from '../identity/identity.js'
import type { AddressView } from '../address/ip-address.js'

/** The answer of `/health` at this moment. */
export type AnswerHealth = (sample: GpuSample, view: AddressView) => ReadyAnswer

/** What is in it beside the sample and the address. */
export interface HealthAnswerSources {
  identity: Pick<Identity, 'pubkey'>
  monitor: Pick<GpuMonitor, 'ageMs' | 'retryAfterMs'>
}

/** Makes the answers; a body serves as long as its sample and address do, which is for most who ask. */
export function createAnswerHealth({ identity, monitor }: HealthAnswerSources): AnswerHealth {
  let last: { sample: GpuSample; view: AddressView; text: string; isAscii: boolean } | undefined

  function bodyOf(sample: GpuSample, view: AddressView) {
    if (last?.sample === sample && last.view === view) return last
    const info = toBackendInfo(identity.pubkey, sample.reading, view.address ?? null)
    const text = JSON.stringify(info)
    last = { sample, view, text, isAscii: Buffer.byteLength(text) === text.length }
    return last
  }
  return (sample, view) => {
    const { ok } = sample.reading
    const { text, isAscii } = bodyOf(sample, view)
    const headers = [
      // Proxies and CDNs have been seen to keep an answer of this route.
      'cache-control',
      'no-store',
      // What changes by itself stands here: consumers compare the bodies.
      'x-sample-age-ms',
      String(Math.round(monitor.ageMs(sample))),
    ]
    if (!ok) headers.push('retry-after', String(inSeconds(monitor.retryAfterMs())))
    headers.push(...JSON_HEADERS, ...HEADERS_READABLE)
    return { status: ok ? 200 : 503, headers, body: text, isAscii }
  }
}

function inSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}
