import { setTimeout as delay } from 'node:timers/promises'
import { ChangingFileError } from '../list/allowlist-reader.js'
import type { MountRootOf } from '../list/mount-root.js'
import { appendAudit } from './writing/audit-log.js'
import { explainFailure, refusal } from './change-error.js'
import type { Change, Effect } from './change.js'
import { commitContent } from './writing/commit-content.js'
import { applyChanges, type EditedDocument } from './editing/edit-document.js'
import { withFileLock, type HeldLock, type LockOptions } from './writing/file-lock.js'
import {
  checkEdited,
  explainInvalid,
  isUnchanged,
  readListContent,
} from './writing/list-content.js'
import { inspectTarget, type ListTarget } from './writing/list-target.js'
import { recoverInterruptedWrite } from './writing/overwrite-in-place.js'
import { findLockBase, journalFolders } from './writing/work-folders.js'

/** What is to be done to a list; plain data, so that another thread can be told to do it. */
export interface ChangeRequest {
  path: string
  auditFile: string
  changes: readonly Change[]
  /** Who wants it. */
  by: string
  now: Date
}

/** What was done; without effects the file is as it was. */
export interface ChangeResult {
  effects: Effect[]
  versionBefore: string
  versionAfter: string
}

interface ChangeOptions {
  mountRoot?: MountRootOf
  lock?: LockOptions
}

/** How often a list that somebody else writes to at the same moment is read again. */
const ATTEMPTS = 20
const RETRY_MS = 50

/**
 * Changes the list as it is on the disk now, all or nothing: when this returns, the change and its lines in
 * the audit log are there to stay. Any number of processes may do so at once and nothing is lost; what a
 * person writes meanwhile is merged, not overwritten.
 *
 * Throws a ChangeError when it can't be done; a file that is no valid list is never written to.
 */
export async function changeAllowlist(
  request: ChangeRequest,
  options: ChangeOptions = {},
): Promise<ChangeResult> {
  const { path, auditFile } = request
  try {
    const locate = async () => findLockBase(await inspectTarget(path, options.mountRoot), auditFile)
    const task = (lock: HeldLock) => changeLocked({ request, options, lock })
    return await withFileLock(path, task, { ...options.lock, locate })
  } catch (error) {
    throw explainFailure(path, error)
  }
}

interface Transaction {
  request: ChangeRequest
  options: ChangeOptions
  lock: HeldLock
}

/** Another writer, who knows no lock, was quicker: what they wrote has to be read first. */
class OvertakenError extends Error {}

async function changeLocked(transaction: Transaction): Promise<ChangeResult> {
  const { path } = transaction.request
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      return await changeOnce(transaction)
    } catch (error) {
      if (!(error instanceof OvertakenError || error instanceof ChangingFileError)) throw error
    }
    await delay(RETRY_MS)
  }
  throw refusal('busy', path, 'something else keeps writing to it: try again when that is done')
}

async function changeOnce({ request, options, lock }: Transaction): Promise<ChangeResult> {
  const { path, auditFile, changes } = request
  const target = await inspectTarget(path, options.mountRoot)
  const folders = await journalFolders(target, auditFile)
  await recoverInterruptedWrite(target.path, folders)
  const before = await readListContent(path)
  const { text, effects } = edit(before.text, request)
  const versionBefore = before.allowlist.version
  if (effects.length === 0) return { effects, versionBefore, versionAfter: versionBefore }
  const after = checkEdited(path, text, before.allowlist, changes)
  const result = { effects, versionBefore, versionAfter: after.version }
  const commit = {
    path: target.path,
    content: after.bytes,
    before: before.bytes,
    stats: target.stats,
    journalFolders: folders,
    beforeCommit: createGate({ request, target, lock, before: before.bytes, result }),
  }
  await commitContent(commit, target.isMount)
  return result
}

function edit(text: string, { path, changes, by, now }: ChangeRequest): EditedDocument {
  try {
    return applyChanges(text, changes, { by, now })
  } catch (error) {
    throw explainInvalid(path, error)
  }
}

interface GateOptions {
  request: ChangeRequest
  target: ListTarget
  lock: HeldLock
  before: Uint8Array
  result: ChangeResult
}

/** What has to be just before the change counts; last of all, nobody else may have written to the file. */
function createGate({ request, target, lock, before, result }: GateOptions): () => Promise<void> {
  let isAudited = false
  const assertFirst = async () => {
    await lock.assertHeld()
    if (!(await isUnchanged(target.path, before))) throw new OvertakenError()
  }
  return async () => {
    await assertFirst()
    const record = { ...result, time: request.now, who: request.by }
    if (!isAudited) await appendAudit(request.auditFile, record, target)
    isAudited = true
    await assertFirst()
  }
}
