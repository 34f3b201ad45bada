import type { Command, CommandContext } from '@dstack-node/service-kit/command'
import { EXIT, UsageError } from '@dstack-node/service-kit/command-error'
import { takeSteps } from './check-steps.js'
import { formatStep, stepToJson, type Step } from './step.js'

const help = `node dist/backend.js check [--json]
Walks through all that this machine needs to take part, and says at each step what to do.
It changes nothing: it makes no key, registers nothing and opens no port, so that it can be run
at any time, also while the service runs. It takes a few seconds where nobody answers.

  ✓  it is well
  !  it works, but somebody should look at it
  ✗  it is wrong: the line below says what to do
  –  there is nothing to look at, or not yet

  --json            prints {"ok", "steps": [{"name", "ok": true | false | null, "message",
                    "next_step"?}]} at the end

Exit code:
  0  nothing is wrong
  1  something is
  2  the arguments make no sense
  3  it could not be done; the reason is on stderr
`

/** `check`: what this machine needs to take part, and what is missing. */
export const checkCommand: Command = { help, flags: ['json'], run }

async function run({ flags, positionals, loadEnv, stdout }: CommandContext): Promise<number> {
  if (positionals.length > 0) throw new UsageError('an argument is not known')
  const json = flags.has('json')
  const steps: Step[] = []
  for await (const step of takeSteps(loadEnv)) {
    steps.push(step)
    if (!json) await stdout.write(formatStep(step))
  }
  const ok = steps.every((step) => step.ok !== false)
  if (json) await stdout.write(`${JSON.stringify({ ok, steps: steps.map(stepToJson) })}\n`)
  return ok ? EXIT.yes : EXIT.no
}
