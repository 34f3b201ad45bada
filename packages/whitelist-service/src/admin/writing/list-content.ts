import { AllowlistFormatError } from '../../list/allowlist-document.js'
import {
  ChangingFileError,
  MAX_BYTES,
  readBounded,
  UnusableFileError,
} from '../../list/allowlist-reader.js'
import { parseAllowlist, type Allowlist } from '../../list/allowlist.js'
import { signatureOf } from '../../list/follow.js'
import { refusal } from '../change-error.js'
import type { Change } from '../change.js'
import { isAsMeant } from '../editing/check-edit.js'

/** What a list file holds: as bytes, as text with its byte order mark, and what it says. */
export interface ListContent {
  bytes: Uint8Array
  text: string
  allowlist: Allowlist
}

/**
 * Reads a list that is to be changed. Throws a ChangeError where it is no valid list, and a
 * ChangingFileError where somebody is writing it.
 */
export async function readListContent(path: string): Promise<ListContent> {
  try {
    const bytes = await readBounded(path)
    const allowlist = parseAllowlist(bytes)
    return { bytes, text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), allowlist }
  } catch (error) {
    if (error instanceof ChangingFileError) throw error
    throw explainInvalid(path, error)
  }
}

/** Whether the file still holds exactly that, as far as it can be read. */
export async function isUnchanged(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const seen = await signatureOf(path)
    const isSame = Buffer.compare(await readBounded(path), bytes) === 0
    // What was read may have been replaced meanwhile.
    return isSame && (await signatureOf(path)) === seen
  } catch {
    // What is wrong with it shows when it is looked at anew.
    return false
  }
}

/** The edited text as the file is to hold it. Throws a ChangeError unless it says what was meant. */
export function checkEdited(
  path: string,
  text: string,
  before: Allowlist,
  changes: readonly Change[],
): { bytes: Uint8Array; version: string } {
  const bytes = Buffer.from(text)
  if (bytes.length > MAX_BYTES) {
    throw refusal('too_large', path, `the list would be larger than ${MAX_BYTES} bytes`)
  }
  const after = parseAllowlist(bytes)
  if (isAsMeant(before, after, changes)) return { bytes, version: after.version }
  throw refusal(
    'write_failed',
    path,
    'the edited list would not be what was asked for, which is a fault of this program: edit the file by hand',
  )
}

/** What a person has to know of a problem with the file; any other error as it is. */
export function explainInvalid(path: string, error: unknown): unknown {
  if (error instanceof AllowlistFormatError) {
    return refusal('file_invalid', path, `it has to be mended first: ${error.message}`, error)
  }
  if (error instanceof UnusableFileError) {
    return refusal('file_invalid', path, error.message, error)
  }
  return error
}
