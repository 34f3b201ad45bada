import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { isNoRight } from '../change-error.js'

/** Gives a file the owner, the group and the mode of another one, as far as this process may. */
export async function copyAttributes(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat()
  if (own.uid !== uid || own.gid !== gid) await giveTo(file, own, { uid, gid })
  // Only then: a new owner costs some bits of the mode. And not through umask.
  await file.chmod(mode & 0o7777)
}

async function giveTo(file: FileHandle, own: Stats, { uid, gid }: { uid: number; gid: number }) {
  try {
    await file.chown(uid, gid)
  } catch (error) {
    if (!isNoRight(error)) throw error
    // Only root gives files away, but the group may be one of ours.
    await file.chown(own.uid, gid).catch(() => undefined)
  }
}
