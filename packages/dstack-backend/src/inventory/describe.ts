import { oneLine } from '../one-line.js'
import type { ModelInSlots } from './compare.js'

const MAX_LISTED = 16
const MAX_SLOT = 40
const MAX_NAME = 60
const MAX_LENGTH = 600

/** Slots, fit for a message: `18:00.0, 2a:00.0`; of many only the first ones, and how many more. */
export function describeSlots(slots: readonly string[]): string {
  return enumerate(
    slots.map((slot) => oneLine(slot, MAX_SLOT) || 'a slot without a name'),
    ', ',
  )
}

/** Models and where they are, fit for a message: `H200 SXM 141GB in 18:00.0, 2a:00.0; B200 in 3a:00.0`. */
export function describeModels(found: readonly ModelInSlots[]): string {
  const models = found.map(({ name, slots }) => {
    const shown = oneLine(name, MAX_NAME) || 'a card without a product id'
    return `${shown} in ${describeSlots(slots)}`
  })
  return oneLine(enumerate(models, '; '), MAX_LENGTH)
}

function enumerate(items: readonly string[], separator: string): string {
  const rest = items.length - MAX_LISTED
  const shown = items.slice(0, MAX_LISTED).join(separator)
  return rest > 0 ? `${shown} and ${rest} more` : shown
}
