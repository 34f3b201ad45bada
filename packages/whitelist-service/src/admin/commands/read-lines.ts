import { CommandError, EXIT } from '@dstack-node/service-kit/command-error'
import { errorCode } from '@dstack-node/service-kit/error-code'

/** Longer than any line that makes sense: what has no line ends would be read into memory for ever. */
const MAX_LINE_LENGTH = 64 * 1024

/** The lines of a text that arrives piece by piece, without their ends and without a byte order mark. */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of readable(input)) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_LENGTH) {
      throw new CommandError(
        'standard input has a line that is too long: one key a line',
        EXIT.usage,
      )
    }
    yield* lines
  }
  yield rest + decoder.decode()
}

async function* readable<T>(input: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* input
  } catch (error) {
    throw new CommandError(`standard input can't be read (${errorCode(error)})`)
  }
}
