import type { Change } from '../change.js'
import { MethodError } from './method-error.js'

/** Makes changes of one author, all of them or none. */
export type WriteChanges = (changes: readonly Change[], by: string) => Promise<void>

interface Waiting {
  change: Change
  by: string
  done: () => void
  fail: (error: unknown) => void
}

interface QueueOptions {
  write: WriteChanges
  /** How many changes may wait; further ones are refused. */
  maxWaiting?: number
}

/**
 * The one queue through which this process changes the list. What arrives while it writes is written
 * together afterwards, as far as it is about different keys: so changes of many keys that come at once wait
 * for two writes at most.
 *
 * Throws a MethodError for a change that finds the queue full, and whatever `write` throws.
 */
export function createChangeQueue({ write, maxWaiting = 1000 }: QueueOptions) {
  const waiting: Waiting[] = []
  let isRunning = false

  async function run(): Promise<void> {
    if (isRunning) return
    isRunning = true
    while (waiting.length > 0) await writeTogether(takeNext(waiting), write)
    isRunning = false
  }

  return (change: Change, by: string): Promise<void> => {
    if (waiting.length >= maxWaiting) {
      throw new MethodError('too many changes are waiting: try again later')
    }
    return new Promise((done, fail) => {
      waiting.push({ change, by, done, fail })
      void run()
    })
  }
}

/**
 * Takes those in front that have the same author, each about another key: of two about one key, written
 * together, the first would leave nothing behind, though it is told to last.
 */
function takeNext(waiting: Waiting[]): Waiting[] {
  const keys = new Set<string>()
  const end = waiting.findIndex(({ by, change: { pubkey } }) => {
    const isNext = by !== waiting[0]?.by || keys.has(pubkey)
    keys.add(pubkey)
    return isNext
  })
  return waiting.splice(0, end === -1 ? waiting.length : end)
}

async function writeTogether(batch: readonly Waiting[], write: WriteChanges): Promise<void> {
  try {
    await write(
      batch.map(({ change }) => change),
      batch[0]?.by ?? '',
    )
    for (const { done } of batch) done()
  } catch (error) {
    for (const { fail } of batch) fail(error)
  }
}
