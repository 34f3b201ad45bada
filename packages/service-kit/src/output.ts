import { CommandError } from './command-error.js'
import { errorCode } from './error-code.js'

/** A stream to write to; `process.stdout` fits. */
export interface OutputStream {
  isTTY?: boolean
  write: (text: string, done?: (error?: Error | null) => void) => unknown
  on: (event: 'error', listener: (error: Error) => void) => unknown
}

/** Standard output or standard error, as a command sees it. */
export interface Output {
  isTerminal: boolean
  /**
   * Resolves when the text is on its way: with false where nobody reads it any more, as behind `| head`.
   * Throws a CommandError where it can't be written.
   */
  write: (text: string) => Promise<boolean>
}

/** Writes to a stream piece by piece, never faster than it is read. */
export function createOutput(stream: OutputStream): Output {
  let isBroken = false
  // Without a listener, a reader that has gone would end the process.
  stream.on('error', () => {
    isBroken = true
  })
  return {
    isTerminal: stream.isTTY === true,
    write: async (text) => {
      if (isBroken) return false
      try {
        await writeTo(stream, text)
        return true
      } catch (error) {
        if (errorCode(error) === 'EPIPE') return false
        throw new CommandError(`the output can't be written (${errorCode(error)})`)
      }
    },
  }
}

function writeTo(stream: OutputStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}
