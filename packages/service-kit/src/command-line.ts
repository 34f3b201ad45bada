import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CommandError, EXIT, UsageError } from './command-error.js'
import type { CommandArguments, Command } from './command.js'
import { errorCode } from './error-code.js'
import { isSecretKey } from './pubkey.js'

/** What every program can be asked to do. */
export type BuiltIn = 'serve' | 'help' | 'version' | 'healthcheck'

type Options = NonNullable<ParseArgsConfig['options']>

const HELP = { help: { type: 'boolean', short: 'h' } } as const
const VERSION = { version: { type: 'boolean', short: 'V' } } as const
const SECRET =
  'an argument holds a SECRET key: treat it as leaked, stop using it and make a new one; it stays in the ' +
  'history of the shell, too'

/**
 * Reads the arguments after the program's name. Throws a UsageError for one that is not known, and a
 * CommandError for a secret key.
 */
export function parseCommand(args: readonly string[]): BuiltIn {
  const { values, positionals } = parse(args, { ...HELP, ...VERSION })
  if (values.help) return 'help'
  if (values.version) return 'version'
  const [command, ...rest] = positionals
  if (command === undefined) return 'serve'
  if (command === 'healthcheck' && rest.length === 0) return 'healthcheck'
  throw new UsageError('an argument is not known')
}

/**
 * Reads the arguments after the name of a command: `help`, or what it is to work with. Throws a UsageError
 * for an option that it doesn't know, and a CommandError for a secret key.
 */
export function parseCommandArguments(
  args: readonly string[],
  { flags = [], texts = [] }: Pick<Command, 'flags' | 'texts'>,
): 'help' | CommandArguments {
  const options: Options = { ...HELP }
  for (const name of flags) options[name] = { type: 'boolean' }
  for (const name of texts) options[name] = { type: 'string' }
  const { values, positionals } = parse(args, options)
  if (values['help']) return 'help'
  const entries = Object.entries(values)
  return {
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
    texts: new Map(entries.filter((entry): entry is [string, string] => isText(entry[1]))),
    positionals,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function parse<Known extends Options>(args: readonly string[], options: Known) {
  if (args.some(isSecretKey)) throw new CommandError(SECRET, EXIT.usage)
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (error) {
    // The error's own text repeats the argument, which may be a secret that was pasted in the wrong place.
    throw new UsageError(describe(error))
  }
}

function describe(error: unknown): string {
  return errorCode(error) === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE'
    ? "an option lacks its value, or has one that it can't have: write it like --name=value"
    : 'an option is not known'
}
