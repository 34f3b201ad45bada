import { readFile, realpath } from 'node:fs/promises'

/** Where the fields stand in a line of mountinfo (proc_pid_mountinfo(5)), counted from 0. */
const ROOT = 3
const MOUNT_POINT = 4

/** Tells which file is mounted at a path; undefined where the path is no mount of its own. */
export type MountRootOf = (path: string) => Promise<string | undefined>

/**
 * The file behind a mount of a single file, as containers have them. Such a mount keeps showing the old
 * file when another is put in its place outside; only the name that the kernel gives it changes then, to
 * `…//deleted` or to that of a backup.
 */
export const mountRootOf: MountRootOf = async (path) => {
  try {
    // The kernel names no mount by a link that leads to it.
    return findMountRoot(await readFile('/proc/self/mountinfo', 'utf8'), await realpath(path))
  } catch {
    // Only Linux has it, and only Linux has such mounts; and a file that is not there is none.
    return undefined
  }
}

/** The root of the last mount at `path` in the text of mountinfo. */
export function findMountRoot(mountinfo: string, path: string): string | undefined {
  const mounts = mountinfo.split('\n').map((line) => line.split(' '))
  return mounts.findLast((fields) => unescape(fields[MOUNT_POINT] ?? '') === path)?.[ROOT]
}

/** The kernel writes blanks and backslashes as three octal digits. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
