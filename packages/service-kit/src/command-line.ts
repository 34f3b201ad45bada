import { parseArgs } from 'node:util'

/** What a service was asked to do. */
export type Command = 'serve' | 'help' | 'version' | 'healthcheck'

/** An argument that the program doesn't know; its message names it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the arguments after the program's name. Throws a UsageError for one that is not known. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  if (values.version) return 'version'
  const [command, ...rest] = positionals
  if (command === undefined) return 'serve'
  if (command === 'healthcheck' && rest.length === 0) return 'healthcheck'
  throw new UsageError('an argument is not known')
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' },
      },
    })
  } catch {
    // parseArgs repeats the argument, which may be a secret that was pasted in the wrong place.
    throw new UsageError('an option is not known')
  }
}
