import type { Env } from './env.js'
import type { Output } from './output.js'

/** What a command is called with. */
export interface CommandUsage {
  /** The text of its `--help`. */
  help: string
  /** The names of its options that stand alone, without `--`. */
  flags?: readonly string[]
  /** The names of its options that are followed by a text. */
  texts?: readonly string[]
}

/** Something that a program does instead of serving, and then ends. */
export interface Command<Config> extends CommandUsage {
  readsEnv?: false
  /** Does it, and tells the exit code. Throws a CommandError for whatever the caller can mend. */
  run: (context: CommandContext<Config>) => Promise<number>
}

/** A command that works whatever the configuration is: it reads the environment itself. */
export interface EnvCommand extends CommandUsage {
  readsEnv: true
  /** Does it, and tells the exit code. Throws a CommandError for whatever the caller can mend. */
  run: (context: EnvCommandContext) => Promise<number>
}

/** The arguments of a command. */
export interface CommandArguments {
  /** The names of the options that were given without a text. */
  flags: ReadonlySet<string>
  /** The options that were given with a text, by name; of one that was given twice, the last. */
  texts: ReadonlyMap<string, string>
  positionals: readonly string[]
}

/** What every command works with, whatever the configuration is. */
export interface BareCommandContext extends CommandArguments {
  /** Standard input, which is left alone until somebody asks for it. */
  stdin: () => AsyncIterable<Uint8Array | string>
  stdout: Output
  stderr: Output
}

/** What a command works with. */
export interface CommandContext<Config> extends BareCommandContext {
  config: Config
}

/** What a command works with that reads the environment itself. */
export interface EnvCommandContext extends BareCommandContext {
  /** The environment over `.env`. Throws a ConfigError when `.env` can't be read. */
  loadEnv: () => Env
}

/** The commands of a program by name; each is loaded when it is asked for. */
export type Commands<Config> = Readonly<Record<string, () => Promise<Command<Config> | EnvCommand>>>
