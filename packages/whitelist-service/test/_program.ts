import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  runBuiltProgram,
  startBuiltProgram,
  type BuiltProgram,
  type BuiltProgramOptions,
} from '@dstack-node/testbed/built-program'
import { onTestFinished } from 'vitest'
import { listOf } from './_bytes.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const ENV = { LISTEN_ADDR: '127.0.0.1:0' }

/** Starts the built program on a port of its own; it ends with the test at the latest. */
export function start(options: BuiltProgramOptions): BuiltProgram {
  const program = startBuiltProgram('whitelist', { ...options, env: { ...ENV, ...options.env } })
  onTestFinished(async () => {
    program.child.kill('SIGKILL')
    await program.exited
  })
  return program
}

/** Runs the built program to its end. */
export function run(
  options: BuiltProgramOptions,
): Promise<{ code: number | null; output: string }> {
  return runBuiltProgram('whitelist', { ...options, env: { ...ENV, ...options.env } })
}

/** A folder with a `whitelist.json` of these entries. */
export async function folderWithList(pubkeys: readonly string[]): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'whitelist.json'), listOf(pubkeys))
  return folder
}

/** The body of an answer, which must be JSON. */
export async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json()
}
