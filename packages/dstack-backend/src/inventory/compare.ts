import type { Gpu } from '../dstack/dstack-client.js'
import type { Expectation } from './expectation.js'
import { matchModel, modelOf, type ModelMatch } from './gpu-model.js'
import { countCards, repeatedSlots } from './slots.js'

/** How the GPUs that are there differ from those that should be; slots and names are as the VMM told them. */
export type InventoryDifference =
  | { code: 'duplicate_slots'; slots: string[] }
  | { code: 'no_gpus' }
  | { code: 'gpus_missing' | 'gpus_extra'; seen: number; slots: string[] }
  | { code: 'wrong_model'; found: ModelInSlots[] }
  | { code: 'unknown_model'; found: ModelInSlots[] }

/** Cards of one model. */
export interface ModelInSlots {
  /** The model's name; for a card without one, its product id. */
  name: string
  slots: string[]
  /** How many there are; a card without a slot's name counts, too. */
  count: number
}

/**
 * What differs between the GPUs that are expected and those that the VMM lists. Without an expectation only what
 * is wrong on any machine does: no GPU at all, or a slot that is listed twice.
 */
export function compareInventory(
  expected: Expectation | undefined,
  gpus: readonly Gpu[],
): InventoryDifference[] {
  const repeated = repeatedSlots(gpus)
  return [
    ...(repeated.length > 0 ? [{ code: 'duplicate_slots' as const, slots: repeated }] : []),
    ...compareCount(expected, gpus),
    ...(expected ? compareModels(expected, gpus) : []),
  ]
}

function compareCount(
  expected: Expectation | undefined,
  gpus: readonly Gpu[],
): InventoryDifference[] {
  const seen = countCards(gpus)
  const wanted = expected?.count
  if (seen === 0 && wanted !== 0) return [{ code: 'no_gpus' }]
  if (wanted === undefined || seen === wanted) return []
  const slots = gpus.map(({ slot }) => slot)
  return [{ code: seen < wanted ? 'gpus_missing' : 'gpus_extra', seen, slots: [...new Set(slots)] }]
}

function compareModels({ model, count }: Expectation, gpus: readonly Gpu[]): InventoryDifference[] {
  // Where there should be no card, its model does not matter.
  if (model === undefined || count === 0) return []
  const matched = gpus.map((gpu) => ({ gpu, match: matchModel(gpu, model) }))
  const groupOf = (wanted: ModelMatch) =>
    groupByModel(matched.flatMap(({ gpu, match }) => (match === wanted ? [gpu] : [])))
  const wrong = groupOf('no')
  const unknown = groupOf('unknown')
  return [
    ...(wrong.length > 0 ? [{ code: 'wrong_model' as const, found: wrong }] : []),
    ...(unknown.length > 0 ? [{ code: 'unknown_model' as const, found: unknown }] : []),
  ]
}

/** The models among these cards and where they are, in the order of the first of each. */
export function groupByModel(gpus: readonly Gpu[]): ModelInSlots[] {
  const groups = new Map<string, Gpu[]>()
  for (const gpu of gpus) {
    const name = modelOf(gpu)?.name ?? gpu.productId
    const cards = groups.get(name) ?? []
    cards.push(gpu)
    groups.set(name, cards)
  }
  return [...groups].map(([name, cards]) => ({
    name,
    slots: [...new Set(cards.map(({ slot }) => slot))],
    count: countCards(cards),
  }))
}
