import { constants, existsSync } from 'node:fs'
import { access, lstat, mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { errorCode, StartError } from '@dstack-node/service-kit'

/** Takes what is doubtful about a key that was read all the same. */
export type Warn = (message: string) => void

/** What to do about a file that holds something else than a key. */
export const RESTORE = 'Restore it from a backup, or move the file away to get a new one.'

const MAX_KEY_BYTES = 4096

/** Where the key of this machine is. */
export function keyPathOf(dataDir: string): string {
  return join(dataDir, 'key')
}

/**
 * The text of the key file; undefined only where there is no file. Throws a StartError for something that is
 * no file of a key, or the system's error.
 */
export async function readKeyFile(path: string, warn: Warn): Promise<string | undefined> {
  let file
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) {
      throw new StartError(`${path}: must be a regular file that holds the key`, {
        nextStep: 'Move away what has that name and put the key there, or set DATA_DIR.',
      })
    }
    if (stats.size > MAX_KEY_BYTES) {
      throw new StartError(`${path}: is too large to be a key`, { nextStep: RESTORE })
    }
    warnOfMode(stats.mode, path, warn)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function warnOfMode(mode: number, path: string, warn: Warn): void {
  if ((mode & 0o077) === 0) return
  const shown = (mode & 0o777).toString(8)
  warn(
    `${path} has mode ${shown}: other users may read the secret key; chmod 600 unless that is meant`,
  )
}

/** Whether there is something of that name, be it a link to nowhere. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Makes the folder and those above it; one that is there keeps its mode. Node's own recursive mkdir never
 * returns where a file system refuses new folders, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing = [resolve(path)]
  while (!existsSync(dirname(missing[0] ?? ''))) missing.unshift(dirname(missing[0] ?? ''))
  for (const folder of missing) {
    try {
      await mkdir(folder, { mode: 0o700 })
    } catch (error) {
      // Another start may have been quicker; that it is no folder shows when the key is read.
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
}

/** Throws the system's error where it is plain already that nothing can be created in the folder. */
export async function assertCreatable(path: string): Promise<void> {
  let folder = resolve(path)
  while (!existsSync(folder)) folder = dirname(folder)
  await access(folder, constants.W_OK | constants.X_OK)
}

/** Turns the system's errors into StartErrors that name the file. */
export async function explainErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StartError) throw error
    const [problem, nextStep] = describeSystemError(errorCode(error))
    throw new StartError(`${path}: ${problem}`, { nextStep })
  }
}

function describeSystemError(code: string): [problem: string, nextStep: string] {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return ['no right to read or create it', 'Give this user access, or set DATA_DIR.']
    case 'EROFS':
      return ["can't be created on a read-only file system", 'Mount it writable, or set DATA_DIR.']
    case 'ENOSPC':
    case 'EDQUOT':
      return ["can't be created, the disk is full; no partial key was left", 'Make room on it.']
    case 'EEXIST':
    case 'ENOTDIR':
      return ['DATA_DIR is not a directory', 'Remove the file of that name, or set DATA_DIR.']
    default:
      return [
        `can't be read or created (${code})`,
        'See whether its folder works, or set DATA_DIR.',
      ]
  }
}
