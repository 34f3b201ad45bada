import type { AllowlistFile } from '../../list/allowlist-file.js'
import type { Clock } from '../../clock.js'
import type { ChangeRequest, ChangeResult } from '../change-allowlist.js'
import { replacedOutside } from '../writing/list-target.js'
import type { WriteChanges } from './change-queue.js'
import { MethodError } from './method-error.js'

interface ServeOptions {
  file: AllowlistFile
  change: (request: ChangeRequest) => Promise<ChangeResult>
  path: string
  auditFile: string
  clock: Pick<Clock, 'nowMs'>
}

/**
 * Changes the list and returns when the service answers by it, so that whoever asks next is told so.
 *
 * Throws a ChangeError where nothing was changed, and a MethodError where the changed list is not served.
 */
export function createServedWrites(options: ServeOptions): WriteChanges {
  const { file, change, path, auditFile, clock } = options
  return async (changes, by) => {
    // Only who knew the list before can tell it from the backup of itself that it may be by now.
    if (await file.wasReplacedOutside()) throw replacedOutside(path)
    await change({ path, auditFile, changes, by, now: new Date(clock.nowMs()) })
    // Even where nothing had to be done: the file may have been edited a moment ago.
    await file.reload()
    const { problem } = file.state()
    if (problem === undefined) return
    throw new MethodError(`it is in the file, but the service can't load that: ${problem}`)
  }
}
