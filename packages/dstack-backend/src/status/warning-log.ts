import type { Logger } from '@dstack-node/service-kit'
import type { Warning } from './node-facts.js'

/**
 * Logs a warning when it begins, again when its message changes (6 of 8 GPUs instead of 7), and when it is
 * over. To be told of all warnings whenever something may have changed. What is wrong with the VMM is left to
 * the monitor, which logs it together with what the VMM said, and the owner's address to the start.
 */
export function createWarningLog(log: Logger): (warnings: readonly Warning[]) => void {
  let told: readonly Warning[] = []
  return (all) => {
    const warnings = all.filter(({ code }) => !/^dstack_|^owner_address$/.test(code))
    for (const { code, message, nextStep } of warnings) {
      if (!told.some((one) => one.code === code && one.message === message)) {
        log.warn({ code, next_step: nextStep }, message)
      }
    }
    for (const { code, message } of told) {
      if (!warnings.some((one) => one.code === code)) log.info({ code }, `over: ${message}`)
    }
    told = warnings
  }
}
