import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '@dstack-node/service-kit/create-file'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { MAX_REASON_LENGTH } from '../../list/allowlist-document.js'
import { formatTime } from '../../time-text.js'
import { isNoSpace, refusal } from '../change-error.js'
import type { Effect } from '../change.js'
import { copyAttributes } from './file-attributes.js'
import type { ListTarget } from './list-target.js'
import { plainText } from '../editing/plain-text.js'

/** What was done to the list in one go. */
export interface AuditRecord {
  time: Date
  who: string
  effects: readonly Effect[]
  versionBefore: string
  versionAfter: string
}

/**
 * Appends a line for each effect to the audit log, which lasts through a power cut when this returns.
 *
 * It comes before the change itself: so a crash in between may leave a line for a change that never
 * happened, which shows in that no later line begins with the version it ends with; but there never is a
 * change without a line. A log that does not exist is created with the owner and the mode of the list.
 *
 * Throws a ChangeError where that fails, and then takes back what was written of it, if it can.
 */
export async function appendAudit(
  path: string,
  record: AuditRecord,
  list: Pick<ListTarget, 'path' | 'stats'>,
): Promise<void> {
  try {
    const { file, isNew } = await openLog(path)
    try {
      await assertLog(file, list.path)
      if (isNew) await copyAttributes(file, list.stats)
      await append(file, formatAudit(record))
    } finally {
      await file.close()
    }
    if (isNew) await syncFolder(dirname(path))
  } catch (error) {
    throw refusal('audit_failed', path, describe(error), error)
  }
}

/** The lines of the log, each a JSON object. */
export function formatAudit(record: AuditRecord): string {
  const { time, who, effects, versionBefore, versionAfter } = record
  const lines = effects.map(({ action, pubkey, deeds, label, reason, expiresAt }) => {
    return JSON.stringify({
      time: time.toISOString(),
      who: plainText(who, MAX_REASON_LENGTH),
      action,
      pubkey,
      did: deeds,
      why: reason,
      label,
      expires_at: expiresAt === undefined ? undefined : formatTime(expiresAt),
      version_before: versionBefore,
      version_after: versionAfter,
    })
  })
  return lines.map((line) => `${line}\n`).join('')
}

class NoLogError extends Error {}

async function openLog(path: string): Promise<{ file: FileHandle; isNew: boolean }> {
  // Without O_NONBLOCK, opening a FIFO would wait for a reader.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK
  try {
    const exclusive = flags | constants.O_CREAT | constants.O_EXCL
    return { file: await open(path, exclusive, 0o600), isNew: true }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    return { file: await open(path, flags), isNew: false }
  }
}

async function assertLog(file: FileHandle, listPath: string): Promise<void> {
  const stats = await file.stat()
  if (!stats.isFile()) throw new NoLogError('the audit log must be a regular file')
  // As the list is now: the number of one that was just replaced may be the log's.
  const list = await stat(listPath).catch(() => undefined)
  if (stats.dev === list?.dev && stats.ino === list.ino) {
    throw new NoLogError('the audit log must be another file than the list: set AUDIT_FILE')
  }
}

async function append(file: FileHandle, lines: string): Promise<void> {
  const { size } = await file.stat()
  // A crash may have left half a line: this one must not become a part of it.
  const bytes = Buffer.from((await endsWithin(file, size)) ? `\n${lines}` : lines)
  let written = 0
  try {
    // One write, as a rule: another writer's lines can't get in between.
    while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
    await file.sync()
  } catch (error) {
    await takeBack(file, { from: size, to: size + written }).catch(() => undefined)
    throw error
  }
}

/** Only what ends the file: the writers of another list, which have another lock, may have gone on. */
async function takeBack(file: FileHandle, { from, to }: { from: number; to: number }) {
  const { size } = await file.stat()
  if (size === to) await file.truncate(from)
}

async function endsWithin(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer.toString() !== '\n'
}

function describe(error: unknown): string {
  if (error instanceof NoLogError) return error.message
  if (isNoSpace(error)) return "the audit log can't be written, the disk is full: make room"
  const code = errorCode(error)
  if (code === 'ENOENT') return "the audit log's folder is not there: make it, or set AUDIT_FILE"
  return `the audit log can't be written (${code}): give this user the right, or set AUDIT_FILE`
}
