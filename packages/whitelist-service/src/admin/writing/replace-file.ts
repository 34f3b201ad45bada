import type { Stats } from 'node:fs'
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  removeIfThere,
  removeStaleTemporaries,
  syncFolder,
  temporaryPathFor,
  writeDurably,
} from '@dstack-node/service-kit/create-file'
import { copyAttributes } from './file-attributes.js'

/** A new content for a file, and what has to happen between writing it down and making it count. */
export interface Replacement {
  path: string
  content: Uint8Array
  /** Of the file that is replaced: its mode, its owner and its group are kept. */
  stats: Stats
  /** Runs when the new content is safe on the disk; when it throws, the file stays as it was. */
  beforeCommit: () => Promise<void>
}

/**
 * Puts a new file in the place of one, so that after a crash or a power cut at any moment the whole old one
 * or the whole new one is there. Throws the system's error and leaves nothing behind where that fails.
 *
 * It must run under the lock of that file: it removes what other writers have not finished, so that one
 * which was taken for dead can't finish it any more.
 */
export async function replaceFile({
  path,
  content,
  stats,
  beforeCommit,
}: Replacement): Promise<void> {
  await removeUnfinished(path)
  const temporary = temporaryPathFor(`${path}${SUFFIX}`)
  try {
    const prepare = (file: Parameters<typeof copyAttributes>[0]) => copyAttributes(file, stats)
    await writeDurably(temporary, content, { mode: 0o600, prepare })
    await beforeCommit()
    await rename(temporary, path)
  } catch (error) {
    await removeIfThere(temporary)
    throw error
  }
  await syncFolder(dirname(path))
}

/** Sets them apart from the temporary files of others, which have no lock. */
const SUFFIX = '.new'

async function removeUnfinished(path: string): Promise<void> {
  await removeStaleTemporaries(`${path}${SUFFIX}`, Number.NEGATIVE_INFINITY)
}
