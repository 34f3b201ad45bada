import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { ChangeError, isNoRight, isNoSpace } from '../change-error.js'
import {
  journalPath,
  readJournal,
  removeJournal,
  writeJournal,
  type JournalRecord,
} from './recovery-journal.js'
import type { Replacement } from './replace-file.js'
import { isTorn } from './torn-write.js'
import { noWorkFolder } from './work-folders.js'

/** A new content for a file that no other file can be put in the place of. */
export interface Overwriting extends Replacement {
  /** What the file holds now. */
  before: Uint8Array
  /** Where a journal may be written: the first folder that works is taken. */
  journalFolders: readonly string[]
}

/**
 * Overwrites a file, so that a crash at any moment leaves nothing half done for good: what was there and
 * what is to be there is written to a journal first, and `recoverInterruptedWrite` completes it. Until
 * then, and for a moment even without a crash, readers may see some of both.
 *
 * It must run under the lock of that file. Throws a ChangeError where there is no place for a journal, and
 * the system's error where the file can't be written: it holds again what it held then.
 */
export async function overwriteInPlace(overwriting: Overwriting): Promise<void> {
  const { path, content, before, beforeCommit } = overwriting
  const record = { before, after: content }
  const journal = await openJournal(overwriting, record)
  try {
    await beforeCommit()
    await writeOrRestore(path, record)
  } catch (error) {
    if (!(error instanceof HalfWrittenError)) await discard(journal)
    throw error
  }
  await discard(journal)
}

/** The file holds the one content or the other: a journal that can't be removed finds nothing to complete. */
async function discard(journal: string): Promise<void> {
  await removeJournal(journal).catch(() => undefined)
}

/**
 * Completes what a crash interrupted, where one did: the new content takes the place of the half of each.
 * Anything else in the file is a later edit by somebody, and stays. Returns whether it wrote.
 *
 * It must run under the lock of the file at `path`, and does not read it unless there is a journal.
 */
export async function recoverInterruptedWrite(
  path: string,
  journalFolders: readonly string[],
): Promise<boolean> {
  let completed = false
  for (const folder of journalFolders) {
    const journal = journalPath(folder, path)
    const record = await readJournal(journal)
    if (record === undefined) continue
    if (record !== 'torn' && (await needsCompletion(path, record))) {
      await writeWhole(path, record.after)
      completed = true
    }
    await removeJournal(journal)
  }
  return completed
}

async function needsCompletion(path: string, { before, after }: JournalRecord): Promise<boolean> {
  try {
    return isTorn(await readFile(path), before, after)
  } catch (error) {
    // It was removed since.
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function openJournal(
  { path, stats, journalFolders }: Overwriting,
  record: JournalRecord,
): Promise<string> {
  let noSpace: Error | undefined
  for (const folder of journalFolders) {
    const journal = journalPath(folder, path)
    try {
      await writeJournal(journal, record, stats)
      return journal
    } catch (error) {
      if (isNoSpace(error)) noSpace = error as Error
      else if (!isNoRight(error) && errorCode(error) !== 'ENOENT') throw error
    }
  }
  throw noSpace ?? noWorkFolder(path)
}

async function writeOrRestore(path: string, { before, after }: JournalRecord): Promise<void> {
  try {
    await writeWhole(path, after)
  } catch (error) {
    await writeWhole(path, before).catch(() => {
      throw new HalfWrittenError(path, error)
    })
    throw error
  }
}

/** The file holds some of both; what is missing is in the journal. */
class HalfWrittenError extends ChangeError {
  constructor(path: string, cause: unknown) {
    const why = `it was written only in part (${errorCode(cause)}), and what it held could not be put back`
    super('write_failed', `${path}: ${why}: the next change or start completes it`, { cause })
  }
}

async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    for (let at = 0; at < content.length;) {
      const { bytesWritten } = await file.write(content, at, content.length - at, at)
      at += bytesWritten
    }
    await file.truncate(content.length)
    await file.sync()
  } finally {
    await file.close()
  }
}
