import { setTimeout as delay } from 'node:timers/promises'
import { CommandError } from '@dstack-node/service-kit/command-error'
import {
  ChangingFileError,
  readAllowlist,
  type AllowlistReading,
} from '../../list/allowlist-reader.js'
import type { Allowlist } from '../../list/allowlist.js'
import { NO_LIST } from '../../list/empty-list.js'

/** A list that is written in place, because it can't be replaced, is no list for a moment. */
const ATTEMPTS = 3
const RETRY_MS = 100

/** Reads the list as it is on the disk now. Throws a CommandError where there is none. */
export async function readList(path: string): Promise<Allowlist> {
  const reading = await settle(() => readAllowlist(path), isFinal)
  if (reading.kind === 'list') return reading.allowlist
  if (reading.kind === 'unchanged') throw new Error('a list that nobody knows is never unchanged')
  throw new CommandError(`${path}: ${describe(reading.kind, reading.reason)}`)
}

/** Asks again, a few times, while the answer may be another in a moment. */
export async function settle<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    try {
      const answer = await ask()
      if (isDone(answer)) return answer
    } catch (error) {
      if (!(error instanceof ChangingFileError)) throw error
    }
    await delay(RETRY_MS)
  }
  return ask()
}

function isFinal({ kind }: AllowlistReading): boolean {
  return kind === 'list' || kind === 'missing'
}

function describe(kind: AllowlistReading['kind'], reason: string): string {
  if (kind === 'missing') return NO_LIST
  return kind === 'refused' ? `${reason}; the command lint tells all that is wrong` : reason
}
