import type { Env } from './env.js'
import type { Output } from './output.js'

/** Something that a program does instead of serving, and then ends. */
export interface Command {
  /** The text of its `--help`. */
  help: string
  /** The names of its options that stand alone, without `--`. */
  flags?: readonly string[]
  /** The names of its options that are followed by a text. */
  texts?: readonly string[]
  /** Does it, and tells the exit code. Throws a CommandError for whatever the caller can mend. */
  run: (context: CommandContext) => Promise<number>
}

/** The arguments of a command. */
export interface CommandArguments {
  /** The names of the options that were given without a text. */
  flags: ReadonlySet<string>
  /** The options that were given with a text, by name; of one that was given twice, the last. */
  texts: ReadonlyMap<string, string>
  positionals: readonly string[]
}

/** What a command works with. */
export interface CommandContext extends CommandArguments {
  /**
   * The environment over `.env`, of which a command reads what it needs: a variable that only the service needs
   * does not stop it. Throws a ConfigError when `.env` can't be read.
   */
  loadEnv: () => Env
  /** Standard input, which is left alone until somebody asks for it. */
  stdin: () => AsyncIterable<Uint8Array | string>
  stdout: Output
  stderr: Output
}

/** The commands of a program by name; each is loaded when it is asked for. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>
