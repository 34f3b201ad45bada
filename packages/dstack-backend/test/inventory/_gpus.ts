import { gpuCards, type GpuCard, type GpuModel } from '@dstack-node/testbed'
import type { Gpu } from '../../src/dstack/dstack-client.js'

/** Cards as the VMM's client hands them on. */
export function toGpus(cards: readonly GpuCard[]): Gpu[] {
  return cards.map(({ slot, product_id, description, is_free }) => ({
    slot,
    productId: product_id,
    description,
    isFree: is_free,
  }))
}

/** A host full of one model. */
export function gpus(model: GpuModel, count: number): Gpu[] {
  return toGpus(gpuCards(model, count))
}

/** A card of a model that is not in the table of product ids. */
export function unknownGpu(description: string, slot = '01:00.0'): Gpu {
  return { slot, productId: '10de:fffe', description, isFree: true }
}
