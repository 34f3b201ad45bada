/** Something in a PCI slot; the slot's name is empty where the VMM told none. */
interface InSlot {
  slot: string
}

/** How many cards there are: a slot that is listed twice still holds one. */
export function countCards(gpus: readonly InSlot[]): number {
  const named = gpus.filter(({ slot }) => slot !== '')
  return new Set(named.map(({ slot }) => slot)).size + gpus.length - named.length
}

/** The slots that are listed more than once, each once. */
export function repeatedSlots(gpus: readonly InSlot[]): string[] {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { slot } of gpus) {
    if (slot !== '' && seen.has(slot)) repeated.add(slot)
    seen.add(slot)
  }
  return [...repeated]
}
