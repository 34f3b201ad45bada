import { constants, type Stats } from 'node:fs'
import { access, lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { NO_LIST } from '../../list/empty-list.js'
import { mountRootOf, type MountRootOf } from '../../list/mount-root.js'
import { refusal, type ChangeError } from '../change-error.js'

/** A list file that may be changed. */
export interface ListTarget {
  /** Without symbolic links on the way to it. */
  path: string
  stats: Stats
  /** It is a mount of its own: no other file can be put in its place. */
  isMount: boolean
}

/**
 * Looks at the file before anything is written. Throws a ChangeError that says why it can't be changed: it
 * is not there, is a symbolic link or no file, or may not be written.
 */
export async function inspectTarget(
  path: string,
  mountRoot: MountRootOf = mountRootOf,
): Promise<ListTarget> {
  const { path: real, isMount } = await locateTarget(path, mountRoot)
  const stats = await statsOf(path, real)
  assertFile(path, stats)
  await assertWritable(path, real, stats)
  if (!isMount) await assertFolderWritable(path, dirname(real))
  return { path: real, stats, isMount }
}

/** Where the file is. Throws a ChangeError where its folder is not there. */
export async function locateTarget(
  path: string,
  mountRoot: MountRootOf = mountRootOf,
): Promise<Pick<ListTarget, 'path' | 'isMount'>> {
  const real = await resolveFolder(path)
  return { path: real, isMount: (await mountRoot(real)) !== undefined }
}

/** That the file which is mounted is not the list any more. */
export function replacedOutside(path: string): ChangeError {
  return refusal(
    'replaced',
    path,
    'it was replaced outside this container, which still has the old one: restart the container first',
  )
}

/** Whether this process may make files in a folder. */
export async function isFolderWritable(folder: string): Promise<boolean> {
  return (await refusedAccess(folder, constants.W_OK | constants.X_OK)) === undefined
}

async function resolveFolder(path: string): Promise<string> {
  try {
    return join(await realpath(dirname(path)), basename(path))
  } catch (error) {
    throw missing(path, error)
  }
}

async function statsOf(path: string, real: string): Promise<Stats> {
  try {
    return await lstat(real)
  } catch (error) {
    throw missing(path, error)
  }
}

function missing(path: string, error: unknown): unknown {
  if (errorCode(error) !== 'ENOENT') return error
  return refusal('file_missing', path, NO_LIST)
}

function assertFile(path: string, stats: Stats): void {
  if (stats.isSymbolicLink()) {
    throw refusal(
      'symlink',
      path,
      'it is a symbolic link, as in a Kubernetes ConfigMap: change the list where it comes from',
    )
  }
  if (stats.isDirectory()) {
    throw refusal('not_a_file', path, 'it is a directory: remove it and put the file there')
  }
  if (!stats.isFile()) throw refusal('not_a_file', path, 'it is not a regular file')
  // Only a mounted file can be open to us without a name: what is written to it is lost with the mount.
  if (stats.nlink === 0) throw replacedOutside(path)
}

async function assertWritable(path: string, real: string, stats: Stats): Promise<void> {
  // Root may write it all the same, but whoever took all the rights away meant it.
  if ((stats.mode & 0o222) === 0) {
    throw refusal('read_only', path, 'it is read-only: chmod u+w it to allow changes')
  }
  const error = await refusedAccess(real, constants.W_OK)
  if (error !== undefined) throw describeRefused(path, 'it', error)
}

async function assertFolderWritable(path: string, folder: string): Promise<void> {
  const error = await refusedAccess(folder, constants.W_OK | constants.X_OK)
  if (error !== undefined) throw describeRefused(path, `its folder ${folder}`, error)
}

function describeRefused(path: string, what: string, error: unknown): ChangeError {
  const why =
    errorCode(error) === 'EROFS'
      ? `${what} is on a file system that is mounted read-only: mount it writable`
      : `this user has no right to write ${what}: give it that right`
  return refusal('read_only', path, why, error)
}

async function refusedAccess(path: string, mode: number): Promise<unknown> {
  try {
    await access(path, mode)
    return undefined
  } catch (error) {
    return error
  }
}
