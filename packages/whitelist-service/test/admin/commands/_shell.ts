import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { runProgram, type Program } from '@dstack-node/service-kit/program'
import { builtFile } from '@dstack-node/testbed/built-program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { commands } from '../../../src/commands.js'
import { parseConfig, type Config } from '../../../src/config.js'

/** What came of a command. */
export interface ShellResult {
  code: number | null
  stdout: string
  stderr: string
}

export interface ShellOptions {
  /** What stands on standard input. */
  input?: string
  env?: Record<string, string>
  /** Standard error is a terminal. */
  isTerminal?: boolean
  /** Standard output goes to a disk that is full. */
  isFull?: boolean
}

/** A folder with a list, and a shell in it. */
export interface Shell {
  folder: string
  path: string
  /** Runs a command in this process. */
  run: (args: readonly string[], options?: ShellOptions) => Promise<ShellResult>
  /** Runs a command as a process of the built program. */
  runBuilt: (args: readonly string[], options?: ShellOptions) => Promise<ShellResult>
  text: () => Promise<string>
}

/** A shell in a folder whose list has this content; without one, the folder is empty. */
export async function openShell(list?: object | string): Promise<Shell> {
  const folder = await temporaryFolder()
  const path = join(folder, 'whitelist.json')
  const content = typeof list === 'string' ? list : JSON.stringify(list, null, 2)
  if (list !== undefined) await writeFile(path, content)
  return {
    folder,
    path,
    run: (args, options) => runHere(args, path, options),
    runBuilt: (args, options) => runBuilt(args, folder, options),
    text: () => readFile(path, 'utf8'),
  }
}

/** The fields of the one JSON document on standard output. */
export function documentOf({ stdout }: ShellResult): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>
}

async function runHere(
  args: readonly string[],
  path: string,
  { input = '', env = {}, isTerminal = false, isFull = false }: ShellOptions = {},
): Promise<ShellResult> {
  const program: Program<Config> = {
    ...{ name: 'whitelist-service', version: '1.2.3', help: '', parseConfig, commands },
    start: () => Promise.reject(new Error('a command starts no service')),
  }
  const written = { stdout: '', stderr: '' }
  const stderr = collect((text) => (written.stderr += text))
  const code = await runProgram(
    program,
    Object.assign(new EventEmitter(), {
      argv: ['node', 'whitelist.js', ...args],
      env: { WHITELIST_FILE: path, ...env },
      cwd: () => join(path, '..'),
      exit: () => undefined,
      stdin: Readable.from([Buffer.from(input)]),
      stdout: isFull ? fullDisk() : collect((text) => (written.stdout += text)),
      stderr: Object.assign(stderr, { isTTY: isTerminal }),
    }),
  )
  return { code, ...written }
}

function collect(take: (text: string) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString())
      done()
    },
  })
}

function fullDisk(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
    },
  })
}

async function runBuilt(
  args: readonly string[],
  cwd: string,
  { input = '', env = {} }: ShellOptions = {},
): Promise<ShellResult> {
  const child = spawn(process.execPath, [builtFile('whitelist'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
  })
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()))
  // A command that reads none of it may be gone before it is written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...written }
}
