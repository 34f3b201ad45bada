/** The signals that end a service, and the exit code of one that was told twice. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** What running needs of the process; `process` itself fits. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown
}

/** How long requests that are under way may take once the service was told to stop. */
export const STOP_GRACE_MS = 5_000

/**
 * An AbortSignal that fires at the first SIGTERM or SIGINT. A second one ends the process at once,
 * through `exit`.
 */
export function stopSignal(source: SignalSource, exit: (code: number) => void): AbortSignal {
  const controller = new AbortController()
  for (const [name, code] of Object.entries(EXIT_CODES)) {
    source.on(name as keyof typeof EXIT_CODES, () => {
      if (controller.signal.aborted) exit(code)
      else controller.abort()
    })
  }
  return controller.signal
}

/** Resolves when the signal fires, at once if it already has. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve()
      },
      { once: true },
    )
  })
}
