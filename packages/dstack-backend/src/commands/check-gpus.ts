import type { Config } from '../config.js'
import type { Gpu } from '../dstack/dstack-client.js'
import { groupByModel } from '../inventory/compare.js'
import { expectationOf } from '../inventory/expectation.js'
import { findInventoryWarnings } from '../inventory/find-warnings.js'
import { AUTO } from '../inventory/registered-type.js'
import { oneLine } from '../one-line.js'
import { doubtful, skipped, well, wrong, type Step } from './step.js'

const MAX_NAME = 60

/** The GPUs that the VMM lists, against those that this machine should have. */
export function checkGpus(
  { expected, nodeType }: Pick<Config, 'expected' | 'nodeType'>,
  gpus: readonly Gpu[] | undefined,
): Step[] {
  if (!gpus) return [skipped('gpus', 'not known while DStack does not list them')]
  const said = expected ?? expectationOf(nodeType)
  const warnings = findInventoryWarnings(said, gpus)
  if (warnings.length > 0) {
    return warnings.map(({ code, message, nextStep }) =>
      (code === 'unknown_model' ? doubtful : wrong)('gpus', message, nextStep),
    )
  }
  const found = describeCards(gpus)
  if (said) return [well('gpus', `${found}, as ${expected ? 'EXPECTED_GPUS' : 'NODE_TYPE'} says`)]
  if (nodeType === AUTO) return [well('gpus', `${found}, which NODE_TYPE=auto goes by`)]
  return [skipped('gpus', `${found}; EXPECTED_GPUS would say how many there should be`)]
}

function describeCards(gpus: readonly Gpu[]): string {
  const models = groupByModel(gpus).map(
    ({ name, count }) => `${count} × ${oneLine(name, MAX_NAME)}`,
  )
  return models.join(', ') || 'none'
}
