import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.js'

/** Whether this process may mount; tests of mounts can't run where it may not. */
export const canMount = tryMount()

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'dstack-node-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Mounts a file system of that size until the test is over. */
export async function mountSmallDisk(kibibytes: number): Promise<string> {
  const folder = join(await temporaryFolder(), 'disk')
  await mkdir(folder)
  mount(folder, ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', folder])
  return folder
}

/** Makes what is mounted there read-only. */
export function makeReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder])
}

/** Mounts a file at another one, as containers do, until the test is over. */
export function mountFile(source: string, at: string, { readOnly = false } = {}): void {
  mount(at, ['--bind', source, at])
  if (readOnly) execFileSync('mount', ['-o', 'remount,bind,ro', at])
}

function mount(at: string, args: readonly string[]): void {
  execFileSync('mount', args)
  onTestFinished(() => void execFileSync('umount', ['-l', at]))
}
