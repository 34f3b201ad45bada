import { errorCode } from '@dstack-node/service-kit/error-code'

/** Why the list could not be changed. Stable: callers match on it, never on the message. */
export type ChangeErrorCode =
  | 'file_missing'
  /** It is no list, or one that can't be edited safely. */
  | 'file_invalid'
  | 'symlink'
  | 'not_a_file'
  /** Another file was put in its place outside this container, which still has the old one. */
  | 'replaced'
  | 'read_only'
  | 'too_large'
  /** It is a mount of its own, and there is no folder to write a recovery journal to. */
  | 'no_journal'
  | 'no_space'
  /** Another process is changing the list, or took it over. */
  | 'locked'
  /** Something else keeps writing to it. */
  | 'busy'
  | 'audit_failed'
  | 'write_failed'

/** A list that could not be changed; the message says what, where, and what to do, to a person. */
export class ChangeError extends Error {
  override readonly name = 'ChangeError'
  readonly code: ChangeErrorCode

  constructor(code: ChangeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** That the list at `path` stays as it was, and why. */
export function refusal(code: ChangeErrorCode, path: string, why: string, cause?: unknown) {
  return new ChangeError(code, `${path}: ${why}; nothing was changed`, { cause })
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT'])
const NO_RIGHT = new Set(['EACCES', 'EPERM', 'EROFS'])

/** Whether the system said that there is no room. */
export function isNoSpace(error: unknown): boolean {
  return NO_SPACE.has(errorCode(error))
}

/** Whether the system said that there is no right to do that. */
export function isNoRight(error: unknown): boolean {
  return NO_RIGHT.has(errorCode(error))
}

/** What the error of a system means for a list that is still as it was; any other error as it is. */
export function explainFailure(path: string, error: unknown): unknown {
  const code = errorCode(error)
  if (error instanceof ChangeError || code === 'unknown') return error
  if (isNoSpace(error)) return refusal('no_space', path, 'the disk is full: make room', error)
  if (isNoRight(error)) {
    return refusal('read_only', path, `no right to write it or its folder (${code})`, error)
  }
  return refusal('write_failed', path, `it can't be written (${code})`, error)
}
