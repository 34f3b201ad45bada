import { runInNewContext } from 'node:vm'

/**
 * Has V8 collect what is no longer used, where the program was started so that it can (the built one is).
 * A replaced list of a million keys is a hundred megabytes of shared memory, which V8 does not count: it
 * might keep them for hours.
 */
export function collectGarbage(): void {
  // V8 gives `gc` only to contexts that are made after its flag was set.
  const gc = runInNewContext('globalThis.gc') as (() => void) | undefined
  gc?.()
}
