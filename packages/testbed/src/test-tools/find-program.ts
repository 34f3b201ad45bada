import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/**
 * Where a program is installed; undefined where it isn't. With REQUIRE_PROGRAMS=1 in the environment, as
 * CI has it, that is an error: tests that are skipped without a word would prove nothing.
 */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin']
  const found = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (found === undefined && process.env['REQUIRE_PROGRAMS'] === '1') {
    throw new Error(`${name} is not installed: install it, or unset REQUIRE_PROGRAMS`)
  }
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
