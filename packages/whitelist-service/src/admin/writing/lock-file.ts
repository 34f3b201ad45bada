import { constants } from 'node:fs'
import { link, lstat, open, rename, type FileHandle } from 'node:fs/promises'
import { removeIfThere, temporaryPathFor } from '@dstack-node/service-kit/create-file'
import { errorCode } from '@dstack-node/service-kit/error-code'

const MAX_BYTES = 4096

/** A lock file as it was found. */
export interface LockSighting {
  /** Tells it from every other lock: its content. Undefined for something that is no file. */
  identity: string | undefined
  /** Changes whenever its owner touches it. */
  stamp: string
}

/** Looks at a lock file; undefined where there is none. */
export async function sightLock(path: string): Promise<LockSighting | undefined> {
  try {
    const stats = await lstat(path, { bigint: true })
    const identity = stats.isFile()
      ? ((await contentOf(path)) ?? `unreadable ${stats.ino}`)
      : undefined
    return { identity, stamp: [stats.ino, stats.mtimeNs, identity].join(':') }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Gives a sign of life for this lock, and for no other one that took its place. Never throws. */
export async function touchLock(path: string, identity: string): Promise<void> {
  try {
    await withOpen(path, async (file) => {
      const now = new Date()
      if ((await readContent(file)) === identity) await file.utimes(now, now)
    })
  } catch {
    // Without a sign of life the lock may be lost, which is found out in time.
  }
}

/**
 * Removes this lock file and never another one: of any number of processes that do so at once, one finds
 * it. Returns whether this one did.
 */
export async function removeLock(path: string, identity: string): Promise<boolean> {
  // Most of the time this tells already that it is another one.
  if ((await sightLock(path))?.identity !== identity) return false
  const aside = temporaryPathFor(path)
  try {
    await rename(path, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
  const isIt = (await sightLock(aside))?.identity === identity
  // Between the look and the rename, another process took the lock: it is theirs.
  if (!isIt) await putBack(aside, path)
  await removeIfThere(aside)
  return isIt
}

/** Unlike rename, link replaces no lock that was made meanwhile; whoever loses it so finds out. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await link(aside, path)
  } catch {
    // There is another one, or no hard links: its owner finds it gone, and changes nothing.
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await withOpen(path, readContent)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw error
    return undefined
  }
}

async function withOpen<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

async function readContent(file: FileHandle): Promise<string> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0)
  return buffer.toString('utf8', 0, bytesRead)
}
