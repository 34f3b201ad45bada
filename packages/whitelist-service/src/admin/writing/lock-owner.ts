import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { errorCode } from '@dstack-node/service-kit/error-code'
import * as z from 'zod'

const ownerSchema = z.object({
  pid: z.int().positive(),
  /** When the process began, by its own kernel's count: another one may get the same number later. */
  began: z.string().max(100),
  host: z.string().max(300),
  /** What this kernel and this set of process numbers are called; only there the number means something. */
  place: z.string().max(300),
  /** Tells two locks of one process apart. */
  token: z.string().max(100),
})

/** Who holds a lock, as the lock file says it. */
export type LockOwner = z.infer<typeof ownerSchema>

/** A process that is alive, or was when it wrote this. */
export type ProcessIdentity = Pick<LockOwner, 'pid' | 'began' | 'place'>

/** This process, as the owner of one more lock. */
export async function createOwner(): Promise<LockOwner> {
  const identity = { pid: process.pid, began: await beginningOf(process.pid), place: await here() }
  return { ...identity, host: hostname(), token: randomUUID() }
}

/** The content of a lock file; undefined where that is none. */
export function parseOwner(text: string | undefined): LockOwner | undefined {
  try {
    return ownerSchema.safeParse(JSON.parse(text ?? '')).data
  } catch {
    return undefined
  }
}

/** Whether it is certain that the process is gone. Of one in another place nothing is. */
export async function isGone({ pid, began, place }: ProcessIdentity): Promise<boolean> {
  if (place === '' || place !== (await here())) return false
  if (!isThere(pid)) return true
  const now = await beginningOf(pid)
  return now === ENDED || (now !== UNKNOWN && began !== UNKNOWN && now !== began)
}

const UNKNOWN = ''
const ENDED = 'ended'

/** In /proc/<pid>/stat, behind the name, which may hold anything (proc_pid_stat(5)). */
const STATE = 0
const START_TIME = 19

async function beginningOf(pid: number): Promise<string> {
  const stat = await textOf(readFile(`/proc/${pid}/stat`, 'utf8'))
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Ended, and its parent did not ask for the exit code yet.
  if (/^[ZX]/.test(fields[STATE] ?? '')) return ENDED
  return fields[START_TIME] ?? UNKNOWN
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // No right to signal it: it is there.
    return errorCode(error) !== 'ESRCH'
  }
}

/** Empty where the system doesn't tell: then no two processes are known to be in one place. */
async function here(): Promise<string> {
  const boot = await textOf(readFile('/proc/sys/kernel/random/boot_id', 'utf8'))
  const numbers = await textOf(readlink('/proc/self/ns/pid'))
  return boot && numbers && [hostname(), boot.trim(), numbers].join(' ')
}

async function textOf(reading: Promise<string>): Promise<string> {
  try {
    return await reading
  } catch {
    return ''
  }
}
