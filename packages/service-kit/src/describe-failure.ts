import { CommandError, UsageError } from './command-error.js'
import { ConfigError } from './env.js'
import { blotSecretKeys } from './pubkey.js'
import { StartError } from './start-error.js'

/**
 * What went wrong, in lines for a person that begin with the program's name; the last one says what to do.
 * `help` are the arguments that tell how it is used.
 */
export function describeFailure(name: string, error: unknown, help: string): string {
  const nextStep = nextStepAfter(error)
  const lastLine = nextStep === undefined ? '' : `${name}: what to do: ${nextStep}\n`
  return blotSecretKeys(`${name}: ${describe(error, help)}\n${lastLine}`)
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

/** What to do, where what was said does not end with it. */
function nextStepAfter(error: unknown): string | undefined {
  if (error instanceof ConfigError) {
    return 'Correct what is named here, in the environment or in .env (the environment wins); see --help.'
  }
  if (error instanceof StartError) return error.nextStep
  if (error instanceof UsageError || error instanceof CommandError) return undefined
  return 'This is a defect of the program: report it with the lines above.'
}
