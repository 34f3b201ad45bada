import type { Logger } from '@dstack-node/service-kit'
import { isInventoryWarning } from '../inventory/find-warnings.js'
import type { Warning } from './node-facts.js'

/**
 * Logs a warning when it begins, again when its message changes (6 of 8 GPUs instead of 7), and when it is
 * over. To be told of all warnings whenever something may have changed. What is wrong with the VMM is left to
 * the monitor, which logs it together with what the VMM said, and the owner's address to the start.
 */
export function createWarningLog(log: Logger): (warnings: readonly Warning[]) => void {
  let told: readonly Warning[] = []
  return (all) => {
    const isBlind = all.some(isFromDstack)
    const warnings = all.filter((one) => !isFromDstack(one) && one.code !== 'owner_address')
    for (const { code, message, nextStep } of warnings) {
      if (!told.some((one) => one.code === code && one.message === message)) {
        log.warn({ code, next_step: nextStep }, message)
      }
    }
    const gone = told.filter(({ code }) => !warnings.some((one) => one.code === code))
    // A VMM that does not list its GPUs says nothing against what was seen before.
    const open = gone.filter((one) => isBlind && isInventoryWarning(one))
    for (const { code, message } of gone.filter((one) => !open.includes(one))) {
      log.info({ code }, `over: ${message}`)
    }
    told = [...warnings, ...open]
  }
}

function isFromDstack({ code }: Warning): boolean {
  return code.startsWith('dstack_')
}
