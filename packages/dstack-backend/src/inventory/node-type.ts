import type { Gpu } from '../dstack/dstack-client.js'
import { groupByModel } from './compare.js'
import { describeModels } from './describe.js'
import { modelOf, wordsOf } from './gpu-model.js'
import { countCards } from './slots.js'

/** A node type, or why these GPUs have none; `reason` is a clause like `the VMM lists no GPU`. */
export type NodeTypeOfGpus =
  | { ok: true; nodeType: string }
  | { ok: false; problem: 'no_gpus' | 'no_name' | 'mixed_models'; reason: string }

/**
 * The node type that says what these GPUs are: `node-H200x8`. A model whose product id is not known goes by the
 * words of the host's name for it, `node-GeForce-RTX-4090x2`. Variants of one family are one model.
 */
export function nodeTypeOf(gpus: readonly Gpu[]): NodeTypeOfGpus {
  if (gpus.length === 0) {
    return { ok: false, problem: 'no_gpus', reason: 'the VMM lists no GPU' }
  }
  const nameless = gpus.filter((gpu) => labelOf(gpu) === '')
  if (nameless.length > 0) {
    const where = describeModels(groupByModel(nameless))
    return { ok: false, problem: 'no_name', reason: `nothing names the model of ${where}` }
  }
  const [label, ...others] = new Set(gpus.map(labelOf))
  if (others.length > 0) {
    const found = describeModels(groupByModel(gpus))
    return {
      ok: false,
      problem: 'mixed_models',
      reason: `the GPUs are of several models: ${found}`,
    }
  }
  return { ok: true, nodeType: `node-${label}x${countCards(gpus)}` }
}

/** The model's name made of letters, digits and dashes; empty where it has none. */
function labelOf(gpu: Gpu): string {
  return wordsOf(modelOf(gpu)?.family ?? '').join('-')
}
