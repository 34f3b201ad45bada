import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { refusal, type ChangeError } from '../change-error.js'
import { isFolderWritable, type ListTarget } from './list-target.js'

type Location = Pick<ListTarget, 'path' | 'isMount'>

/**
 * What the lock file of a list is named after: the list, so that all who share its folder see it. A list
 * that is mounted as a single file shares no folder; there it is a file of that name in the first folder for
 * journals that can be written. Throws a ChangeError where none can.
 */
export async function findLockBase(target: Location, auditFile: string): Promise<string> {
  const { path, isMount } = target
  if (!isMount) return path
  for (const folder of await journalFolders(target, auditFile)) {
    if (await isFolderWritable(folder)) return join(folder, basename(path))
  }
  throw noWorkFolder(path)
}

/**
 * The folders in which the journal of a list may be, the best first: beside the list. But what is around a
 * file that is mounted belongs to the container and goes with it: there the folder of the audit log is
 * better.
 */
export async function journalFolders(
  { path, isMount }: Location,
  auditFile: string,
): Promise<string[]> {
  const beside = dirname(path)
  const audit = await resolveIfThere(dirname(resolve(auditFile)))
  if (audit === beside) return [beside]
  return isMount ? [audit, beside] : [beside, audit]
}

/** That there is no place for the journal without which a mounted file can't be changed safely. */
export function noWorkFolder(path: string): ChangeError {
  return refusal(
    'no_journal',
    path,
    'it is mounted as a single file, and to change one safely takes a folder for a journal, but neither ' +
      'its own folder nor that of the audit log can be written: set AUDIT_FILE to a file in one that can',
  )
}

async function resolveIfThere(folder: string): Promise<string> {
  try {
    return await realpath(folder)
  } catch {
    return folder
  }
}
