import type { Gpu } from '../dstack/dstack-client.js'
import type { Warning } from '../status/node-facts.js'
import { compareInventory, type InventoryDifference } from './compare.js'
import { describeModels, describeSlots } from './describe.js'
import { formatExpectation, type Expectation } from './expectation.js'

/** What to look at where a VMM lists no GPU; it can't tell these causes apart itself. */
export const WHY_NO_GPUS =
  'See in vmm.toml that [cvm.gpu] has enabled = true, that listing there has the product id of the cards, and that include and exclude leave them in; then that lspci -nn on the host shows them'

/** What an operator should know about these GPUs: where they differ from what is expected, and what to do. */
export function findInventoryWarnings(
  expected: Expectation | undefined,
  gpus: readonly Gpu[],
): Warning[] {
  const wanted = expected && describeExpectation(expected)
  return compareInventory(expected, gpus).map((difference) => ({
    code: difference.code,
    message: describe(difference, wanted),
    nextStep: NEXT_STEPS[difference.code],
  }))
}

function describe(difference: InventoryDifference, wanted = ''): string {
  switch (difference.code) {
    case 'no_gpus':
      return `the VMM lists no GPU${wanted === '' ? '' : `, but ${wanted}`}`
    case 'gpus_missing':
    case 'gpus_extra': {
      const { seen, slots } = difference
      const there = seen === 1 ? '1 GPU is there' : `${seen} GPUs are there`
      return `${there}, but ${wanted}; seen: ${describeSlots(slots)}`
    }
    case 'wrong_model':
      return `${wanted}, but there is ${describeModels(difference.found)}`
    case 'unknown_model':
      return `${wanted}, but nothing names the model of ${describeModels(difference.found)}`
    case 'duplicate_slots':
      return `the VMM lists more than one GPU in the same slot: ${describeSlots(difference.slots)}`
  }
}

function describeExpectation(expected: Expectation): string {
  const isPlural = expected.model === undefined && expected.count !== 1
  return `${formatExpectation(expected)} ${isPlural ? 'are' : 'is'} expected`
}

const CORRECT = 'correct EXPECTED_GPUS, or NODE_TYPE where that says it'

const NEXT_STEPS: Record<InventoryDifference['code'], string> = {
  no_gpus: `${WHY_NO_GPUS}; on a machine without GPUs set EXPECTED_GPUS=0.`,
  gpus_missing:
    'Compare with lspci -nn on the host: a card that is not there has lost its power or its bus, restart the machine or reseat the card; one that is there is kept out by listing, include or exclude in vmm.toml.',
  gpus_extra: `If all of them belong here, ${CORRECT}; else exclude the others in vmm.toml.`,
  wrong_model: `If these cards belong here, ${CORRECT}; else look for the right ones with lspci -nn on the host.`,
  unknown_model:
    'Run update-pciids on the host, so that lspci names the cards, or expect a number alone, like EXPECTED_GPUS=8.',
  duplicate_slots:
    'Compare with lspci -nn on the host, which has each slot once; if DSTACK_URL leads straight to the VMM, report it to DStack.',
}

/** Whether a warning is about the GPUs themselves: nothing is known of it while the VMM does not list them. */
export function isInventoryWarning({ code }: Pick<Warning, 'code'>): boolean {
  return Object.hasOwn(NEXT_STEPS, code)
}
