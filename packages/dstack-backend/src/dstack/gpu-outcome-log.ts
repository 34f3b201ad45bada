import type { Logger } from '@dstack-node/service-kit'
import { PAUSE_FROM, pauseMs } from './call-pause.js'
import type { GpuSample } from './gpu-monitor.js'

/**
 * Logs what came of asking the VMM when that changes, and that it is asked less often when that begins.
 * What is wrong and what to do make a change; the VMM's own words may differ each time.
 */
export function createOutcomeLog(log: Logger): (sample: GpuSample, timeouts: number) => void {
  let previous: string | undefined
  return (sample, timeouts) => {
    const { reading, advice } = sample
    const outcome = reading.ok ? 'ok' : `${reading.failure}: ${advice}`
    if (outcome !== previous) logChange(log, sample)
    previous = outcome
    if (timeouts === PAUSE_FROM) {
      log.warn(
        { timeouts, next_call_in_ms: pauseMs(timeouts) },
        'DStack hangs: it is asked less and less often until it answers',
      )
    }
  }
}

function logChange(log: Logger, { reading, advice }: GpuSample): void {
  if (reading.ok) {
    log.info({ gpus: reading.gpus.length }, 'DStack answers')
  } else {
    const { failure, detail, words } = reading
    const code = `dstack_${failure}`
    log.warn({ code, failure, detail, words, next_step: advice }, 'DStack does not answer')
  }
}
