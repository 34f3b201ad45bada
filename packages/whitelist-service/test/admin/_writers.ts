import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { build } from 'esbuild'
import { onTestFinished } from 'vitest'
import type { WriterTask } from './_writer.js'

/** A writer as a process. */
export interface Writer {
  child: ChildProcess
  /** The lines that it printed so far. */
  lines: () => string[]
  /** Resolves when it printed that many lines, or ended. */
  printed: (count: number) => Promise<void>
  /** Resolves when it ended. */
  exited: Promise<{ code: number | null; signal: string | null }>
}

/** Builds the program of `_writer.ts`, and tells how to start it. */
export async function buildWriter(): Promise<(task: WriterTask, uid?: number) => Writer> {
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  const outfile = join(folder, '_writer.cjs')
  await build({
    entryPoints: [join(import.meta.dirname, '_writer.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  })
  return (task, uid) => startWriter(outfile, task, uid)
}

function startWriter(program: string, task: WriterTask, uid?: number): Writer {
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
    ...(uid !== undefined && { uid, gid: uid }),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let ended = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = once(child, 'close').then(([code, signal]) => {
    ended = true
    return { code: code as number | null, signal: signal as string | null }
  })
  const lines = () => output.split('\n').slice(0, -1)
  return {
    child,
    lines,
    printed: async (count) => {
      while (lines().length < count && !ended)
        await Promise.race([once(child.stdout, 'data'), exited])
    },
    exited,
  }
}
