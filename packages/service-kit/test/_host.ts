import { EventEmitter } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { vi } from 'vitest'
import type { Env } from '../src/env.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

/** A process as a program sees it, in an empty folder and without a word in its log. */
export async function makeHost(args: string[] = [], env: Env = {}, input = '') {
  const cwd = await temporaryFolder()
  const written = { stdout: '', stderr: '' }
  const exit = vi.fn()
  const stdin = Readable.from([Buffer.from(input)])
  const host = Object.assign(new EventEmitter(), {
    argv: ['node', 'test.js', ...args],
    env: { LOG_LEVEL: 'silent', ...env },
    cwd: () => cwd,
    exit,
    stdin,
    stdout: collect((text) => (written.stdout += text)),
    stderr: collect((text) => (written.stderr += text)),
  })
  return { host, written, exit, cwd }
}

function collect(take: (text: string) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      take(chunk.toString())
      done()
    },
  })
}
