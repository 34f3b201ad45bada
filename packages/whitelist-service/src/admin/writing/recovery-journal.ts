import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { readFile, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { removeIfThere, syncFolder, writeDurably } from '@dstack-node/service-kit/create-file'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { copyAttributes } from './file-attributes.js'

/** The contents of a file that is being overwritten: the one it had, and the one it is to have. */
export interface JournalRecord {
  before: Uint8Array
  after: Uint8Array
}

const HASH_BYTES = 32
const LENGTH_BYTES = 6

/** Where the journal of a list lies in a folder: that of another list, of the same name, lies elsewhere. */
export function journalPath(folder: string, listPath: string): string {
  const name = basename(listPath)
  if (folder === dirname(listPath)) return join(folder, `.${name}.journal`)
  const hash = createHash('sha256').update(listPath).digest('hex').slice(0, 12)
  return join(folder, `.${name}.${hash}.journal`)
}

/** Writes a journal that lasts through a power cut; it is as open to others as the list itself. */
export async function writeJournal(
  path: string,
  { before, after }: JournalRecord,
  stats: Stats,
): Promise<void> {
  const lengths = Buffer.alloc(2 * LENGTH_BYTES)
  lengths.writeUIntBE(before.length, 0, LENGTH_BYTES)
  lengths.writeUIntBE(after.length, LENGTH_BYTES, LENGTH_BYTES)
  const body = Buffer.concat([lengths, before, after])
  const hash = createHash('sha256').update(body).digest()
  await removeIfThere(path)
  const prepare = (file: FileHandle) => copyAttributes(file, stats)
  await writeDurably(path, Buffer.concat([hash, body]), { mode: 0o600, prepare })
  await syncFolder(dirname(path))
}

/** What a journal holds: undefined where there is none, `torn` for one that was never finished. */
export async function readJournal(path: string): Promise<JournalRecord | 'torn' | undefined> {
  try {
    return parseJournal(await readFile(path))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Removes a journal for good. */
export async function removeJournal(path: string): Promise<void> {
  await removeIfThere(path)
  await syncFolder(dirname(path))
}

function parseJournal(bytes: Buffer): JournalRecord | 'torn' {
  const body = bytes.subarray(HASH_BYTES)
  const hash = createHash('sha256').update(body).digest()
  if (body.length < 2 * LENGTH_BYTES || !hash.equals(bytes.subarray(0, HASH_BYTES))) return 'torn'
  const middle = 2 * LENGTH_BYTES + body.readUIntBE(0, LENGTH_BYTES)
  return { before: body.subarray(2 * LENGTH_BYTES, middle), after: body.subarray(middle) }
}
