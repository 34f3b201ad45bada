import { randomUUID } from 'node:crypto'
import { link, open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from './error-code.js'

const STALE_MS = 3_600_000
/** What `link` fails with on file systems without hard links (vfat, 9p, some FUSE). */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EXDEV', 'EMLINK'])

/**
 * Creates a file that did not exist, whole or not at all: after a crash at any moment, and with any
 * number of processes doing the same, there is one complete file or none. The folder must exist.
 *
 * Returns whether this call created it; a file that stands there already is left alone. Throws the
 * system's error when it can't be written, and leaves nothing behind then.
 */
export async function createFile(path: string, content: string, mode: number): Promise<boolean> {
  const temporary = temporaryPathFor(path)
  try {
    await writeDurably(temporary, content, { mode })
    const created = await linkOrCreate(temporary, path, content, mode)
    return created
  } finally {
    await removeIfThere(temporary)
    await syncFolder(dirname(path))
  }
}

/** A name of its own beside `path`, which `removeStaleTemporaries(path)` finds again. */
export function temporaryPathFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
}

/**
 * Removes the temporary files of `path` that crashed programs left more than an hour ago, or as long ago
 * as is said, as far as it may: it is housekeeping, and never throws.
 */
export async function removeStaleTemporaries(path: string, ageMs = STALE_MS): Promise<void> {
  try {
    await sweep(path, ageMs)
  } catch {
    // A folder that can't be listed or written to, or something else of that name: not ours to mend.
  }
}

async function sweep(path: string, ageMs: number): Promise<void> {
  const folder = dirname(path)
  const prefix = `.${basename(path)}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue
    if ((await fileAgeMs(join(folder, name))) > ageMs) await removeIfThere(join(folder, name))
  }
}

/** 0 for a file that is gone: its owner, or another start, removed it meanwhile. */
async function fileAgeMs(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}

async function linkOrCreate(temporary: string, path: string, content: string, mode: number) {
  try {
    // Unlike rename, link never replaces: of several processes exactly one succeeds.
    await link(temporary, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    if (!NO_LINKS.has(errorCode(error))) throw error
    return createInPlace(path, content, mode)
  }
}

/** For file systems without hard links: exclusive too, but a crash in between leaves a partial file. */
async function createInPlace(path: string, content: string, mode: number): Promise<boolean> {
  try {
    await writeDurably(path, content, { mode })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Writes a file that did not exist so that it lasts through a power cut; `syncFolder` does the same for its
 * name. `prepare` may change what else there is about it, before. Leaves nothing behind when it throws.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  { mode, prepare }: { mode: number; prepare?: (file: FileHandle) => Promise<void> },
): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    await prepare?.(file)
    await file.sync()
  } catch (error) {
    await removeIfThere(path)
    throw error
  } finally {
    await file.close()
  }
}

/** Removes a file; that it is gone already is as good. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

/** Makes the new name last through a power cut, where the folder may be opened for that. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  } catch {
    // The file is complete and in its place all the same.
  }
}
