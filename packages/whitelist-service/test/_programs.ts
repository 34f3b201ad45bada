import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '@dstack-node/testbed/test-tools/free-port'

/** A program of somebody else's that is ready to be used. */
export interface ForeignProgram {
  /** Everything it has printed so far. */
  output: () => string
  /** Ends it. */
  stop: () => Promise<void>
}

const READY_MS = 30_000

/** Starts a program and waits until it prints what it prints when it is ready. */
export async function startProgram(
  file: string,
  args: readonly string[],
  { ready, env = {} }: { ready: RegExp; env?: Record<string, string> },
): Promise<ForeignProgram> {
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'close')
  // It ends either way, and then says why.
  const deadline = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
      if (ready.test(output)) resolve()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', () => {
      reject(new Error(`${file} ended before it was ready:\n${output}`))
    })
  }).finally(() => {
    clearTimeout(deadline)
  })
  return { output: () => output, stop: () => stop(child, exited) }
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  await exited
}

/**
 * Starts something on a port of 127.0.0.1 that nobody listens on, for programs that can't choose one
 * themselves. Somebody else may be faster to take it, so it is tried three times.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>, tries = 3): Promise<T> {
  try {
    return await start(await freePort())
  } catch (error) {
    if (tries === 1) throw error
    return onFreePort(start, tries - 1)
  }
}
