import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { AllowlistFormatError } from './allowlist-document.js'
import { parseAllowlist, type Allowlist } from './allowlist.js'

/** What came of reading the file; plain data, so that it can cross from one thread to another. */
export type AllowlistReading =
  | { kind: 'list'; hash: string; allowlist: Allowlist }
  /** The content is the one that the caller has already. */
  | { kind: 'unchanged' }
  | { kind: 'missing'; reason: string }
  /** It may be readable the next time, though nothing about the file changes. */
  | { kind: 'unreadable'; reason: string }
  /** It was read and is no list; only another content will do. */
  | { kind: 'refused'; reason: string }

/** Reads the list at `path`, unless its content has the hash `knownHash`. */
export type ReadAllowlist = (path: string, knownHash?: string) => Promise<AllowlistReading>

/** The largest file that is read. */
export const MAX_BYTES = 256 * 1024 * 1024
const PIECE_BYTES = 1024 * 1024

/** Reads the list on the calling thread. Never throws: what went wrong is the result. */
export const readAllowlist: ReadAllowlist = async (path, knownHash) => {
  try {
    // Piece by piece: most looks find nothing new, and a large list would take its size in memory each time.
    if (knownHash !== undefined && (await openBounded(path, hashFile)) === knownHash) {
      return { kind: 'unchanged' }
    }
    const bytes = await readBounded(path)
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash === knownHash) return { kind: 'unchanged' }
    return { kind: 'list', hash, allowlist: parseAllowlist(bytes) }
  } catch (error) {
    return explain(error)
  }
}

/** A file that is not read; the message says why. */
export class UnusableFileError extends Error {}

/** A file that was written to while it was read. */
export class ChangingFileError extends UnusableFileError {}

/** Reads a file of a bounded size. Throws an UnusableFileError, or the system's error. */
export async function readBounded(path: string): Promise<Buffer> {
  return openBounded(path, (file) => file.readFile())
}

async function openBounded<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    await assertUsable(file)
    const before = await stampOf(file)
    const content = await read(file)
    if ((await stampOf(file)) !== before) {
      throw new ChangingFileError('it is being written right now')
    }
    return content
  } finally {
    await file.close()
  }
}

async function hashFile(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let position = 0; position <= MAX_BYTES;) {
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, position)
    if (bytesRead === 0) break
    hash.update(piece.subarray(0, bytesRead))
    position += bytesRead
  }
  return hash.digest('hex')
}

async function stampOf(file: FileHandle): Promise<string> {
  const { size, mtimeNs, ctimeNs } = await file.stat({ bigint: true })
  return [size, mtimeNs, ctimeNs].join(':')
}

async function assertUsable(file: FileHandle): Promise<void> {
  const stats = await file.stat()
  if (stats.isDirectory()) {
    throw new UnusableFileError(
      'it is a directory (container engines make one where a mounted file is missing): remove it and put the file there',
    )
  }
  if (!stats.isFile()) throw new UnusableFileError('it is not a regular file')
  if (stats.size > MAX_BYTES) throw new UnusableFileError(`it is larger than ${MAX_BYTES} bytes`)
}

function explain(error: unknown): AllowlistReading {
  if (error instanceof AllowlistFormatError) return { kind: 'refused', reason: error.message }
  if (error instanceof UnusableFileError) return { kind: 'unreadable', reason: error.message }
  const code = errorCode(error)
  if (code === 'ENOENT') return { kind: 'missing', reason: 'the file is not there: put it back' }
  if (code === 'EACCES') return { kind: 'unreadable', reason: 'no right to read it: chmod it' }
  return { kind: 'unreadable', reason: `it can't be read (${code})` }
}
