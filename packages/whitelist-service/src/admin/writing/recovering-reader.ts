import type { Logger } from '@dstack-node/service-kit'
import type { ReadAllowlist } from '../../list/allowlist-reader.js'

interface RecoveringOptions {
  read: ReadAllowlist
  /** Completes an interrupted change, and tells whether there was one: see `recoverAllowlist`. */
  recover: () => Promise<boolean>
  log: Logger
}

/**
 * A reader for which no change stays half done: where the file is no list, and where it is read for the
 * first time, it first completes what a crash interrupted.
 */
export function createRecoveringReader({ read, recover, log }: RecoveringOptions): ReadAllowlist {
  async function tryRecover(): Promise<boolean> {
    try {
      const recovered = await recover()
      if (recovered) log.warn('a change that was interrupted has been completed')
      return recovered
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'an interrupted change can not be completed')
      return false
    }
  }
  return async (path, knownHash) => {
    if (knownHash === undefined) await tryRecover()
    const reading = await read(path, knownHash)
    const again = reading.kind === 'refused' && (await tryRecover())
    return again ? read(path, knownHash) : reading
  }
}
