// A program that changes a list, for tests that run it as processes of their own: several at once, as
// another user, killed at any moment, or at one that is told.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { changeAllowlist } from '../../src/admin/change-allowlist.js'
import { ChangeError } from '../../src/admin/change-error.js'

export interface WriterTask {
  path: string
  auditFile: string
  /** Makes its keys its own. */
  name: string
  count: number
  /** As if the file were a mount of its own. */
  inPlace?: boolean
  /** Before which call of the file system it is killed, counted from 1. */
  dieAt?: number
  /** Before which one the file gets this content, by somebody who knows no lock. */
  edit?: { at: number; content: string }
}

/** The key of a writer's change with this number; every second one is banned, the others let in. */
export function keyOf(name: string, number: number): string {
  return createHash('sha256').update(`${name} ${number}`).digest('hex')
}

async function run(task: WriterTask): Promise<void> {
  const { path, auditFile, name, count, inPlace } = task
  const options = inPlace ? { mountRoot: async () => '/' } : {}
  for (let number = 0; number < count; number += 1) {
    const pubkey = keyOf(name, number)
    const change = { action: number % 2 === 0 ? ('allow' as const) : ('ban' as const), pubkey }
    await changeAllowlist(
      { path, auditFile, changes: [{ ...change, reason: 'test' }], by: name, now: new Date() },
      options,
    )
    print(`done ${number}`)
  }
}

function print(line: string): void {
  fs.writeSync(1, `${line}\n`)
}

let calls = 0

function beforeCall(task: WriterTask, name: string): void {
  calls += 1
  if (calls === task.edit?.at) {
    print(`edited before ${name}`)
    fs.writeFileSync(`${task.path}.edited`, task.edit.content)
    fs.renameSync(`${task.path}.edited`, task.path)
  }
  if (calls !== task.dieAt) return
  process.kill(process.pid, 'SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

type AnyFunction = (this: unknown, ...args: unknown[]) => Promise<unknown>
type Functions = Record<string, AnyFunction>

function countCalls(functions: Functions, names: readonly string[], task: WriterTask): void {
  for (const name of names) {
    const original = functions[name]
    if (!original) throw new Error(`there is no ${name}`)
    functions[name] = function (...args) {
      beforeCall(task, name)
      return original.apply(this, args)
    }
  }
}

/** Makes every call count, and a write to a file several, so that it can stop in the middle. */
async function instrument(task: WriterTask): Promise<void> {
  const promises = fs.promises as unknown as Functions
  const probe = await fs.promises.open(process.execPath)
  const handle = Object.getPrototypeOf(probe) as Functions
  await probe.close()
  const write = handle['write'] as AnyFunction
  countCalls(promises, ['open', 'rename', 'link', 'unlink', 'lstat', 'readdir'], task)
  countCalls(handle, ['sync', 'chmod', 'truncate', 'stat'], task)
  handle['write'] = function (bytes, at = 0, length, position) {
    beforeCall(task, 'write')
    const rest = (bytes as Uint8Array).length - (at as number)
    return write.call(
      this,
      bytes,
      at,
      Math.min((length as number | undefined) ?? rest, 100),
      position,
    )
  }
  handle['writeFile'] = async function (content) {
    const bytes = Buffer.from(content as Uint8Array)
    for (let at = 0; at < bytes.length; at += 100) {
      await (handle['write'] as AnyFunction).call(this, bytes, at, bytes.length - at)
    }
  }
}

const argument = process.argv[2]
if (argument !== undefined && process.argv[1]?.endsWith('_writer.cjs')) {
  const task = JSON.parse(argument) as WriterTask
  const instrumented = task.dieAt !== undefined || task.edit ? instrument(task) : Promise.resolve()
  instrumented
    .then(() => run(task))
    .then(
      () => {
        print(`calls ${calls}`)
      },
      (error: unknown) => {
        print(error instanceof ChangeError ? `${error.code}: ${error.message}` : String(error))
        process.exitCode = 1
      },
    )
}
