import { stat } from 'node:fs/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { errorCode } from '@dstack-node/service-kit'
import { readAllowlist, type AllowlistReading, type ReadAllowlist } from './allowlist-reader.js'

/** Up to this size, reading costs less than starting a thread does: about a thousand keys. */
const INLINE_BYTES = 64 * 1024

interface Task {
  path: string
  knownHash: string | undefined
}

/**
 * A reader that takes large files to a thread of their own, so that requests never wait for one.
 * `program` is the JavaScript file that calls `runWorker` when it runs as a worker.
 */
export function offThreadReader(program: string): ReadAllowlist {
  return async (path, knownHash) => {
    if ((await sizeOf(path)) <= INLINE_BYTES) return readAllowlist(path, knownHash)
    try {
      return await readInWorker(program, { path, knownHash })
    } catch (error) {
      return { kind: 'unreadable', reason: `the thread that reads it failed (${errorCode(error)})` }
    }
  }
}

/** The worker's side: reads the file that it was started for and hands the list over, uncopied. */
export async function runWorker(): Promise<void> {
  const { path, knownHash } = workerData as Task
  const reading = await readAllowlist(path, knownHash)
  parentPort?.postMessage(reading, reading.kind === 'list' ? buffersOf(reading) : [])
}

function buffersOf({ allowlist: { keys, listBody } }: AllowlistReading & { kind: 'list' }) {
  return [keys.words.buffer, keys.slots.buffer, listBody.buffer]
}

function readInWorker(program: string, task: Task): Promise<AllowlistReading> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => {
      reject(new Error('the thread ended without a result'))
    })
  })
}

/** 0 for a file that can't be looked at: reading it will say why. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}
