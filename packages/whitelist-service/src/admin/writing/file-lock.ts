import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createFile, removeStaleTemporaries } from '@dstack-node/service-kit/create-file'
import { ChangeError } from '../change-error.js'
import { removeLock, sightLock, touchLock, type LockSighting } from './lock-file.js'
import { createOwner, parseOwner } from './lock-owner.js'
import { createLockWatch } from './lock-watch.js'
import { createTurns } from './turns.js'

/** A lock that this process holds, unless others took it for dead. */
export interface HeldLock {
  /** Throws a ChangeError when the lock is somebody else's by now. */
  assertHeld: () => Promise<void>
}

/** How patient the lock is. */
export interface LockOptions {
  /** How long to wait for others in all. */
  waitMs?: number
  /** How long an owner elsewhere may give no sign of life. */
  staleMs?: number
  /** How often to look. */
  pollMs?: number
  /** How often an owner gives a sign of life. */
  touchMs?: number
}

interface FileLockOptions extends LockOptions {
  /** Looks, when it is this task's turn, for what the lock file is named after, where that is not `path`. */
  locate?: () => Promise<string>
}

const DEFAULTS = { waitMs: 30_000, staleMs: 15_000, pollMs: 25, touchMs: 3000 }
const turns = createTurns()

/**
 * Runs `task` while nobody else runs one for the file at `path`: not in this process, not in another, and
 * not in a container that shares the folder. For that it makes the file `<path>.lock`, which says who holds it.
 *
 * A lock whose process is known to be gone is taken over at once; any other one when its owner gave no
 * sign of life for a while, by this process's own measure of time. So the task has to ask `assertHeld` just
 * before it does what can't be undone. Throws a ChangeError when waiting took too long.
 */
export async function withFileLock<T>(
  path: string,
  task: (lock: HeldLock) => Promise<T>,
  { locate = async () => path, ...options }: FileLockOptions = {},
): Promise<T> {
  const patience = { ...DEFAULTS, ...options }
  const deadline = performance.now() + patience.waitMs
  const run = async () => {
    const lock = await acquire(`${resolve(await locate())}.lock`, deadline, patience)
    try {
      return await task(lock)
    } finally {
      await lock.release()
    }
  }
  const giveUp = () => tooLong('other changes of this process', patience.waitMs, 'try again')
  return turns.take(resolve(path), run, { waitMs: patience.waitMs, giveUp })
}

type Patience = Required<LockOptions>
type OwnLock = HeldLock & { release: () => Promise<void> }

async function acquire(path: string, deadline: number, patience: Patience): Promise<OwnLock> {
  const identity = `${JSON.stringify(await createOwner())}\n`
  const isAbandoned = createLockWatch(patience.staleMs)
  for (;;) {
    const seen = await sightLock(path)
    if (!seen && (await createFile(path, identity, 0o644))) {
      await removeStaleTemporaries(path)
      return hold(path, identity, patience)
    }
    if (seen && (await isAbandoned(seen)) && (await tryToRemove(path, seen))) continue
    if (performance.now() >= deadline) {
      const advice = `try again, and if that process is gone, remove ${path}`
      throw tooLong(describeOwner(seen), patience.waitMs, advice)
    }
    await delay(patience.pollMs)
  }
}

async function tryToRemove(path: string, { identity }: LockSighting): Promise<boolean> {
  try {
    return identity !== undefined && (await removeLock(path, identity))
  } catch {
    // No right to: so it is waited for.
    return false
  }
}

function hold(path: string, identity: string, { touchMs }: Patience): OwnLock {
  const timer = setInterval(() => void touchLock(path, identity), touchMs).unref()
  return {
    assertHeld: async () => {
      if ((await sightLock(path))?.identity === identity) return
      throw new ChangeError(
        'locked',
        `${path}: another process took the lock over, because this one gave no sign of life; nothing was changed: try again`,
      )
    },
    release: async () => {
      clearInterval(timer)
      // What can't be removed is taken over later. What the lock was for is done.
      await removeLock(path, identity).catch(() => false)
    },
  }
}

function describeOwner(seen: LockSighting | undefined): string {
  const owner = parseOwner(seen?.identity)
  return owner ? `process ${owner.pid} on ${owner.host}` : 'another process'
}

function tooLong(owner: string, waitMs: number, advice: string): ChangeError {
  const seconds = Math.round(waitMs / 1000)
  return new ChangeError(
    'locked',
    `the list is being changed by ${owner}, for more than ${seconds} s; nothing was changed: ${advice}`,
  )
}
