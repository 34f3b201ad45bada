import type { Env } from './env.js'
import type { SignalSource } from './lifecycle.js'
import type { OutputStream } from './output.js'

/** What a program needs of its process; `process` itself fits. */
export interface ProcessHandle extends SignalSource {
  argv: readonly string[]
  env: Env
  cwd: () => string
  exit: (code: number) => void
  stdin: AsyncIterable<Uint8Array | string>
  stdout: OutputStream
  stderr: OutputStream
}
