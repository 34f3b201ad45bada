import { Counter, type Registry } from '@dstack-node/service-kit/metrics'
import type { Gpu } from '../dstack/dstack-client.js'
import type { GpuMonitor, GpuOutcome } from '../dstack/gpu-monitor.js'
import { modelOf } from '../inventory/gpu-model.js'
import type { Expectation } from '../inventory/expectation.js'
import { countCards } from '../inventory/slots.js'
import { oneLine } from '../one-line.js'
import { freshGpus } from './fresh-gpus.js'
import { addGauge, oneSeries, toSeconds } from './gauge.js'

/** Where the figures of the VMM and its GPUs come from. */
export interface GpuMetricsSources {
  monitor: Pick<GpuMonitor, 'latest' | 'ageMs' | 'counts'>
  expected: () => Expectation | undefined
}

/** More than any machine has: what a confused VMM lists beyond makes no series. */
const MAX_SLOTS = 256
/** Longer than any slot, product id or model that there is. */
const MAX_LABEL = 100

/** All ways in which a call may end: one that has not happened yet is a zero, so that its first time shows. */
const OUTCOMES = Object.keys({
  ok: true,
  connect: true,
  timeout: true,
  auth: true,
  http: true,
  invalid: true,
  too_large: true,
} satisfies Record<GpuOutcome, true>) as GpuOutcome[]

/**
 * What the metrics tell of the VMM and its GPUs. Of the GPUs they tell nothing, rather than something that was,
 * unless the latest sample is good and fresh.
 */
export function observeGpus(registry: Registry, sources: GpuMetricsSources): void {
  observeVmm(registry, sources)
  const gpus = () => freshGpus(sources.monitor)
  addGauge(registry, {
    name: 'dstack_gpus',
    help: 'GPUs that DStack lists.',
    read: () => oneSeries(countOf(gpus())),
  })
  addGauge(registry, {
    name: 'dstack_gpus_free',
    help: 'GPUs that DStack lists as free.',
    read: () => oneSeries(countOf(gpus()?.filter(({ isFree }) => isFree))),
  })
  addGauge(registry, {
    name: 'dstack_gpus_expected',
    help: 'GPUs that this machine should have.',
    read: () => oneSeries(sources.expected()?.count),
  })
  observeSlots(registry, () => bySlot(gpus() ?? []))
}

function observeVmm(registry: Registry, { monitor }: GpuMetricsSources): void {
  addGauge(registry, {
    name: 'dstack_vmm_up',
    help: 'Whether the VMM lists its GPUs: 1 or 0.',
    read: () => (monitor.latest() ? oneSeries(freshGpus(monitor) !== undefined) : []),
  })
  addGauge(registry, {
    name: 'dstack_vmm_sample_timestamp_seconds',
    help: 'When a call to the VMM last ended, well or not.',
    read: () => {
      const sample = monitor.latest()
      return oneSeries(sample && toSeconds(sample.takenAt))
    },
  })
  addGauge(registry, {
    name: 'dstack_vmm_call_duration_seconds',
    help: 'How long the latest call to the VMM took.',
    read: () => {
      const sample = monitor.latest()
      return oneSeries(sample && sample.durationMs / 1000)
    },
  })
  new Counter({
    name: 'dstack_vmm_calls_total',
    help: 'Calls to the VMM that ended, by outcome.',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset()
      const counts = monitor.counts()
      for (const outcome of OUTCOMES) this.inc({ outcome }, counts.get(outcome) ?? 0)
    },
  })
}

function observeSlots(registry: Registry, gpus: () => Map<string, Gpu>): void {
  addGauge(registry, {
    name: 'dstack_gpu_info',
    help: 'Always 1; the labels tell which GPU is in a slot.',
    labelNames: ['slot', 'product_id', 'model'],
    read: () =>
      [...gpus()].map(([slot, gpu]) => ({ labels: { slot, ...describeGpu(gpu) }, value: 1 })),
  })
  addGauge(registry, {
    name: 'dstack_gpu_free',
    help: 'Whether DStack lists the GPU in a slot as free: 1 or 0.',
    labelNames: ['slot'],
    read: () =>
      [...gpus()].map(([slot, { isFree }]) => ({ labels: { slot }, value: Number(isFree) })),
  })
}

function countOf(gpus: readonly Gpu[] | undefined): number | undefined {
  return gpus && countCards(gpus)
}

function describeGpu(gpu: Gpu) {
  return { product_id: toLabel(gpu.productId), model: toLabel(modelOf(gpu)?.name ?? '') }
}

/** The first GPU of each slot, as the label tells it: two series of one name would spoil the whole scrape. */
function bySlot(gpus: readonly Gpu[]): Map<string, Gpu> {
  const slots = new Map<string, Gpu>()
  for (const gpu of gpus) {
    const slot = toLabel(gpu.slot)
    if (slots.size < MAX_SLOTS && !slots.has(slot)) slots.set(slot, gpu)
  }
  return slots
}

function toLabel(text: string): string {
  return oneLine(text, MAX_LABEL)
}
