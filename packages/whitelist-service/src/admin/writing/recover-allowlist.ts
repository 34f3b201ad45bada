import { access } from 'node:fs/promises'
import type { MountRootOf } from '../../list/mount-root.js'
import { ChangeError, explainFailure } from '../change-error.js'
import { withFileLock, type LockOptions } from './file-lock.js'
import { locateTarget } from './list-target.js'
import { recoverInterruptedWrite } from './overwrite-in-place.js'
import { journalPath } from './recovery-journal.js'
import { findLockBase, journalFolders } from './work-folders.js'

interface RecoverOptions {
  mountRoot?: MountRootOf
  lock?: LockOptions
}

/**
 * Completes a change of the list that a crash interrupted, where there is one; every change does so first,
 * and a start has to, before it reads the list. Returns whether it wrote. Where nothing was interrupted,
 * which is nearly always, it only looks.
 *
 * Throws a ChangeError where there is something to complete and that can't be done.
 */
export async function recoverAllowlist(
  { path, auditFile }: { path: string; auditFile: string },
  options: RecoverOptions = {},
): Promise<boolean> {
  try {
    const target = await locateTarget(path, options.mountRoot)
    const folders = await journalFolders(target, auditFile)
    const found = await Promise.all(
      folders.map((folder) => isThere(journalPath(folder, target.path))),
    )
    if (!found.includes(true)) return false
    const locate = () => findLockBase(target, auditFile)
    const recover = () => recoverInterruptedWrite(target.path, folders)
    return await withFileLock(path, recover, { ...options.lock, locate })
  } catch (error) {
    if (error instanceof ChangeError && error.code === 'file_missing') return false
    throw explainFailure(path, error)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
