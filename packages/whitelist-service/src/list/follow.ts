import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { errorCode } from '@dstack-node/service-kit'

const POLL_MS = 500

/** Runs `look` twice a second, and other tasks in between, never two at once. */
export function follow(look: () => Promise<void>) {
  const stopped = new AbortController()
  let last: Promise<void> = Promise.resolve()
  const run = (task: () => Promise<void>) => (last = last.then(task))
  async function loop(): Promise<void> {
    for (;;) {
      await delay(POLL_MS, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined)
      if (stopped.signal.aborted) return
      await run(look)
    }
  }
  void loop()
  return {
    run,
    /** Ends it at once; a task that is running goes on by itself. */
    stop: () => {
      stopped.abort()
    },
  }
}

/**
 * What changes whenever the file does, unless two writes fall into one tick of the file system's clock;
 * the error code for a file that can't be looked at.
 */
export async function signatureOf(path: string): Promise<string> {
  try {
    const { dev, ino, nlink, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, nlink, size, mtimeNs, ctimeNs].join(':')
  } catch (error) {
    return errorCode(error)
  }
}
