/** What the exit code of a command tells a script. A service, unlike them, ends with 1 when it can't start. */
export const EXIT = {
  /** It was done, or the answer is yes. */
  yes: 0,
  /** The answer is no. */
  no: 1,
  /** It was asked in a way that can't be understood. */
  usage: 2,
  /** It could not be done. */
  failed: 3,
} as const

/** An argument that makes no sense; its message never repeats it. Where to read more is added to it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Why a command did not do what it was asked to; its message says to a person what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
