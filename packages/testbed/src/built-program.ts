import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** How a built program is run. */
export interface BuiltProgramOptions {
  /** Added to an environment that holds PATH alone. */
  env?: Record<string, string>
  cwd?: string
  args?: readonly string[]
  /** Another copy than the one in `dist`. */
  file?: string
  /** Runs it as this user and group; only root can. */
  uid?: number
  /** A command that ends in running it, such as `unshare --mount`; it is given Node, the file and `args`. */
  through?: readonly string[]
}

/** A built program as a process. */
export interface BuiltProgram {
  readonly child: ChildProcess
  /** Where it listens; rejects when it ends before it does. */
  readonly url: Promise<string>
  /** Standard output and error so far, in the order of their arrival. */
  output: () => string
  /** Resolves when it has ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Sends SIGTERM and waits for the end. */
  stop: () => Promise<void>
}

/** The root of the repository, seen from a package's folder or from the root itself. */
export function builtFile(name: 'whitelist' | 'backend'): string {
  const root = process.cwd().replace(/\/packages\/[^/]+$/, '')
  return join(root, 'dist', `${name}.js`)
}

/** Starts `dist/<name>.js` with nothing of this process's environment but PATH. */
export function startBuiltProgram(
  name: 'whitelist' | 'backend',
  options: BuiltProgramOptions = {},
): BuiltProgram {
  const { env = {}, cwd, args = [], file = builtFile(name), uid, through = [] } = options
  const [command = process.execPath, ...rest] = [...through, process.execPath, file, ...args]
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let output = ''
  const exited = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  const url = new Promise<string>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
      const found = /"url":"([^"]+)"/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    void exited.then(() => {
      reject(new Error(`${name} ended before it listened:\n${output}`))
    })
  })
  // Whoever only waits for the end is not interested.
  url.catch(() => undefined)
  return {
    child,
    url,
    output: () => output,
    exited,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Runs `dist/<name>.js` to its end and tells the exit code and all it printed. */
export async function runBuiltProgram(
  name: 'whitelist' | 'backend',
  options?: BuiltProgramOptions,
): Promise<{ code: number | null; output: string }> {
  const program = startBuiltProgram(name, options)
  const { code } = await program.exited
  return { code, output: program.output() }
}
