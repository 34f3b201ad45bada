import { expectationOf, type Expectation } from './expectation.js'
import { nodeTypeOf } from './node-type.js'
import type { Gpu } from '../dstack/dstack-client.js'

/** NODE_TYPE for what the VMM shows. */
export const AUTO = 'auto'

/** What this machine counts as. */
export interface RegisteredType {
  /** The node type; undefined while it is not known. */
  current: () => string | undefined
  /** The GPUs that go with it; undefined where it says nothing of them. */
  expectation: () => Expectation | undefined
  /** Takes note of the GPUs that the VMM lists. */
  learn: (gpus: readonly Gpu[]) => void
}

/**
 * What a machine counts as: what it was registered as or, where the registry knew it already and NODE_TYPE is
 * `auto`, what the first GPUs that can be named make it.
 */
export function createRegisteredType(registeredAs: string | undefined): RegisteredType {
  let nodeType = registeredAs
  return {
    current: () => nodeType,
    expectation: () => (nodeType === undefined ? undefined : expectationOf(nodeType)),
    learn: (gpus) => {
      if (nodeType !== undefined) return
      const named = nodeTypeOf(gpus)
      if (named.ok) nodeType = named.nodeType
    },
  }
}
