import { constants, existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  createFile,
  errorCode,
  formatNpub,
  removeStaleTemporaries,
  StartError,
  type Logger,
} from '@dstack-node/service-kit'
import { derivePubkey, generateSecretKey } from './secret-key.js'

/** Who this machine is on the network. The secret stays in the file: nothing here needs it. */
export interface Identity {
  /** 64 lower-case hex digits. */
  pubkey: string
  npub: string
}

const MAX_KEY_BYTES = 4096

/**
 * Loads the machine's key from `dataDir`/key, or creates it, whole or not at all, however many starts do
 * the same at once. An existing file is never written to: other programs share it.
 *
 * Throws a StartError when the file can't be read, created, or is no key; no error repeats its content.
 */
export async function loadOrCreateIdentity(dataDir: string, log: Logger): Promise<Identity> {
  const path = join(dataDir, 'key')
  try {
    await makeFolder(dataDir)
    const existing = await readKeyFile(path, log)
    const created = existing === undefined && (await createFile(path, generateSecretKey(), 0o600))
    // Read back what is on the disk: another start may have been quicker.
    const text = existing ?? (await readKeyFile(path, log))
    await removeStaleTemporaries(path)
    const identity = parseIdentity(path, text)
    log.info(identity, created ? `created a new key in ${path}` : `loaded the key in ${path}`)
    return identity
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(`${path}: ${describeSystemError(errorCode(error))}`)
  }
}

/**
 * Makes the folder and those above it; one that is there keeps its mode. Node's own recursive mkdir never
 * returns where a file system refuses new folders, as /proc does.
 */
async function makeFolder(path: string): Promise<void> {
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

/** The text of the key file; undefined only where there is no file. */
async function readKeyFile(path: string, log: Logger): Promise<string | undefined> {
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
    if (!stats.isFile()) throw new StartError(`${path}: must be a regular file that holds the key`)
    if (stats.size > MAX_KEY_BYTES) throw new StartError(`${path}: is too large to be a key`)
    warnOfMode(stats.mode, path, log)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function warnOfMode(mode: number, path: string, log: Logger): void {
  if ((mode & 0o077) === 0) return
  const shown = (mode & 0o777).toString(8)
  log.warn(
    `${path} has mode ${shown}: other users may read the secret key; chmod 600 unless that is meant`,
  )
}

function parseIdentity(path: string, text: string | undefined): Identity {
  if (text === undefined) {
    throw new StartError(
      `${path}: is a link to a file that does not exist; repair or remove the link`,
    )
  }
  const trimmed = text.replace(/^\ufeff/, '').replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '')
  if (trimmed === '') {
    throw new StartError(
      `${path}: is empty, which an interrupted older program leaves: restore the key from a backup, or remove the file to get a new one`,
    )
  }
  const pubkey = derivePubkey(trimmed)
  if (pubkey === undefined) {
    throw new StartError(
      `${path}: is no valid secret key (64 hex digits or nsec1…): restore it from a backup, or move the file away to get a new one`,
    )
  }
  return { pubkey, npub: formatNpub(pubkey) }
}

function describeSystemError(code: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'no right to read or create it: give this user access, or set DATA_DIR'
    case 'EROFS':
      return "can't be created on a read-only file system: mount it writable, or set DATA_DIR"
    case 'ENOSPC':
    case 'EDQUOT':
      return "can't be created, the disk is full: make room; no partial key was left"
    case 'EEXIST':
    case 'ENOTDIR':
      return 'DATA_DIR is not a directory: remove the file of that name, or set DATA_DIR'
    default:
      return `can't be read or created (${code})`
  }
}
