import { CommandError, UsageError } from './command-error.js'
import { ConfigError } from './env.js'
import { blotSecretKeys } from './pubkey.js'
import { StartError } from './start-error.js'

/**
 * What went wrong, in lines for a person that begin with the program's name. `help` are the arguments that
 * tell how it is used.
 */
export function describeFailure(name: string, error: unknown, help: string): string {
  return blotSecretKeys(`${name}: ${describe(error, help)}\n`)
}

function describe(error: unknown, help: string): string {
  if (error instanceof ConfigError) {
    const lines = error.problems.map((problem) => `\n  ${problem}`).join('')
    return `the configuration has ${countProblems(error.problems.length)}:${lines}`
  }
  if (error instanceof UsageError) return `${error.message}; see ${help}`
  if (error instanceof StartError || error instanceof CommandError) return error.message
  // A defect of ours: the stack is what helps to mend it.
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function countProblems(count: number): string {
  return count === 1 ? 'a problem' : `${count} problems`
}
