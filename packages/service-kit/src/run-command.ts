import { parseCommandArguments } from './command-line.js'
import { EXIT } from './command-error.js'
import type { Command, Commands } from './command.js'
import { loadEnv } from './env.js'
import { createOutput } from './output.js'
import type { ProcessHandle } from './process-handle.js'

/** A command as it was called: by its name, with what follows. */
export interface CommandCall {
  name: string
  args: readonly string[]
  load: () => Promise<Command>
}

/** The command that the arguments after the program's name begin with; undefined where it has no such. */
export function findCommand(
  commands: Commands,
  [name = '', ...args]: readonly string[],
): CommandCall | undefined {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  return load && { name, args, load }
}

/** Runs a command, or prints its help, and tells the exit code. */
export async function runCommand(
  { args, load }: CommandCall,
  host: ProcessHandle,
): Promise<number> {
  const command = await load()
  const parsed = parseCommandArguments(args, command)
  const stdout = createOutput(host.stdout)
  if (parsed === 'help') {
    await stdout.write(command.help)
    return EXIT.yes
  }
  return command.run({
    ...parsed,
    loadEnv: () => loadEnv(host.env, host.cwd()),
    stdin: () => host.stdin,
    stdout,
    stderr: createOutput(host.stderr),
  })
}
