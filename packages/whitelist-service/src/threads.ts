import { stat } from 'node:fs/promises'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { errorCode } from '@dstack-node/service-kit/error-code'
import type { ChangeRequest, ChangeResult } from './admin/change-allowlist.js'
import { ChangeError, type ChangeErrorCode } from './admin/change-error.js'
import { shareBytes } from './list/shared-bytes.js'
import { readAllowlist, type ReadAllowlist } from './list/allowlist-reader.js'
import type { Allowlist } from './list/allowlist.js'
import type { FormatList } from './list/list-edition.js'
import { formatList, type ListOrder } from './list/list-format.js'

/** Up to this size, the work itself costs less than starting a thread does: about a thousand keys. */
const INLINE_BYTES = 64 * 1024
const HEX_DIGITS = 64

/** What a thread is started for. */
type Task =
  | { kind: 'read'; path: string; knownHash: string | undefined }
  | { kind: 'format'; allowlist: Allowlist; order: ListOrder }
  | { kind: 'change'; request: ChangeRequest }

/** What came of a change; an error of ours would arrive from another thread as a plain one. */
type ChangeOutcome =
  { ok: true; result: ChangeResult } | { ok: false; code: ChangeErrorCode; message: string }

/** Does what takes long for a large list in threads of their own, so that requests never wait for it. */
export interface Threads {
  read: ReadAllowlist
  format: FormatList
  /** See `changeAllowlist`. */
  change: (request: ChangeRequest) => Promise<ChangeResult>
}

/** `program` is the JavaScript file that calls `runWorker` when it runs as a worker. */
export function createThreads(program: string): Threads {
  return {
    read: async (path, knownHash) => {
      if ((await sizeOf(path)) <= INLINE_BYTES) return readAllowlist(path, knownHash)
      try {
        return await runInWorker(program, { kind: 'read', path, knownHash })
      } catch (error) {
        const reason = `the thread that reads it failed (${errorCode(error)})`
        return { kind: 'unreadable', reason }
      }
    },
    format: async (allowlist, order) => {
      if (sizeOfList(allowlist) <= INLINE_BYTES) return formatList(allowlist, order)
      return runInWorker(program, { kind: 'format', allowlist, order })
    },
    change: async (request) => {
      if ((await sizeOf(request.path)) <= INLINE_BYTES) return change(request)
      const outcome = await runInWorker<ChangeOutcome>(program, { kind: 'change', request })
      if (outcome.ok) return outcome.result
      throw new ChangeError(outcome.code, outcome.message)
    },
  }
}

/** The worker's side: does what it was started for. The large parts of the result are shared memory. */
export async function runWorker(): Promise<void> {
  const task = workerData as Task
  if (task.kind === 'read') {
    parentPort?.postMessage(await readAllowlist(task.path, task.knownHash))
  } else if (task.kind === 'change') {
    parentPort?.postMessage(await tryChange(task.request))
  } else {
    parentPort?.postMessage(shareBytes(formatList(task.allowlist, task.order)))
  }
}

async function change(request: ChangeRequest): Promise<ChangeResult> {
  // Whoever starts to answer questions does not wait for what writes to be loaded.
  const { changeAllowlist } = await import('./admin/change-allowlist.js')
  return changeAllowlist(request)
}

async function tryChange(request: ChangeRequest): Promise<ChangeOutcome> {
  try {
    return { ok: true, result: await change(request) }
  } catch (error) {
    if (!(error instanceof ChangeError)) throw error
    return { ok: false, code: error.code, message: error.message }
  }
}

function runInWorker<Result>(program: string, task: Task): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => {
      reject(new Error('the thread ended without a result'))
    })
  })
}

/** About how many bytes a list has in hex, banned keys and all. */
function sizeOfList({ listBody, banned }: Allowlist): number {
  return listBody.length + HEX_DIGITS * banned.size
}

/** 0 for a file that can't be looked at: reading it will say why. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}
