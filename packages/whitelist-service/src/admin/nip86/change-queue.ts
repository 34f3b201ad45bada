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
 * together afterwards: so a change waits for two writes at most, however many come at once.
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

/** Takes those in front that have the same author. */
function takeNext(waiting: Waiting[]): Waiting[] {
  const end = waiting.findIndex(({ by }) => by !== waiting[0]?.by)
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
