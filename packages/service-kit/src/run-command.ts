import { parseCommandArguments } from './command-line.js'
import { EXIT } from './command-error.js'
import type { Command, Commands, EnvCommand } from './command.js'
import { loadEnv, type Env } from './env.js'
import { createOutput } from './output.js'
import type { ProcessHandle } from './process-handle.js'

/** What a command needs to know of its program. */
interface CommandHome<Config> {
  parseConfig: (env: Env) => Config
  commands?: Commands<Config>
}

/** A command as it was called: by its name, with what follows. */
export interface CommandCall<Config> {
  name: string
  args: readonly string[]
  load: () => Promise<Command<Config> | EnvCommand>
}

/** The command that the arguments after the program's name begin with; undefined where it has no such. */
export function findCommand<Config>(
  { commands = {} }: CommandHome<Config>,
  [name = '', ...args]: readonly string[],
): CommandCall<Config> | undefined {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  return load && { name, args, load }
}

/** Runs a command, or prints its help, and tells the exit code. */
export async function runCommand<Config>(
  { parseConfig }: CommandHome<Config>,
  { args, load: loadCommand }: CommandCall<Config>,
  host: ProcessHandle,
): Promise<number> {
  const command = await loadCommand()
  const parsed = parseCommandArguments(args, command)
  const stdout = createOutput(host.stdout)
  if (parsed === 'help') {
    await stdout.write(command.help)
    return EXIT.yes
  }
  const stderr = createOutput(host.stderr)
  const context = { ...parsed, stdin: () => host.stdin, stdout, stderr }
  const load = () => loadEnv(host.env, host.cwd())
  if (command.readsEnv) return command.run({ ...context, loadEnv: load })
  return command.run({ ...context, config: parseConfig(load()) })
}
