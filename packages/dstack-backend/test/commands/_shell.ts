import { EventEmitter } from 'node:events'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { runProgram, type Program } from '@dstack-node/service-kit/program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { commands } from '../../src/commands.js'
import { parseConfig, type Config } from '../../src/config.js'

/** What a command prints, and its exit code once it has ended. */
export interface ShellResult {
  code: number
  stdout: string
  stderr: string
}

/** A command that runs in this process. */
export interface RunningCommand {
  /** What stands on standard output so far. */
  stdout: () => string
  ended: Promise<ShellResult>
}

/** An empty folder, and a shell in it. */
export interface Shell {
  folder: string
  start: (args: readonly string[], env?: Record<string, string>) => RunningCommand
  run: (args: readonly string[], env?: Record<string, string>) => Promise<ShellResult>
  /** All that is in the folder: what it is, its mode, when it changed, and its content. */
  files: () => Promise<string[]>
}

export async function openShell(): Promise<Shell> {
  const folder = await temporaryFolder()
  const start: Shell['start'] = (args, env) => startHere(folder, args, env)
  return {
    folder,
    start,
    run: (args, env) => start(args, env).ended,
    files: () => describeFiles(folder),
  }
}

function startHere(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
): RunningCommand {
  const program: Program<Config> = {
    ...{ name: 'dstack-backend', version: '1.2.3', help: '', parseConfig, commands },
    start: () => Promise.reject(new Error('a command starts no service')),
  }
  const written = { stdout: '', stderr: '' }
  const host = Object.assign(new EventEmitter(), {
    argv: ['node', 'backend.js', ...args],
    env: { DATA_DIR: join(folder, 'data'), ...env },
    cwd: () => folder,
    exit: () => undefined,
    stdin: Readable.from([]),
    stdout: collect((text) => (written.stdout += text)),
    stderr: collect((text) => (written.stderr += text)),
  })
  const ended = runProgram(program, host).then((code) => ({ code, ...written }))
  return { stdout: () => written.stdout, ended }
}

function collect(take: (text: string) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString())
      done()
    },
  })
}

async function describeFiles(folder: string): Promise<string[]> {
  const names = ['.', ...(await readdir(folder, { recursive: true })).sort()]
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const stats = await lstat(path)
      const content = stats.isFile() ? await readFile(path, 'latin1') : ''
      return [name, stats.mode.toString(8), stats.mtimeMs, content].join(' ')
    }),
  )
}
