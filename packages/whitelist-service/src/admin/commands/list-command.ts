import type { Command, CommandContext } from '@dstack-node/service-kit/command'
import type { ListConfig } from '../../config.js'

/** A command that reads the list, or changes it. */
export interface ListCommand extends Omit<Command, 'run'> {
  run: (context: ListContext) => Promise<number>
}

/** What it works with. */
export interface ListContext extends CommandContext {
  config: ListConfig
}

/** The part of a help text that says how keys are given. */
export const KEY_HELP = `  KEY               npub1…, nprofile1… or 64 hex digits
  -                 reads keys from standard input, one a line; # begins a comment`

const FAILURES = `  2  the arguments make no sense
  3  it could not be done`

/** The part of a help text about the exit codes that all commands have in common. */
export const FAILURE_HELP = `${FAILURES}
The reason for 2 and 3 is on stderr, and nothing is on stdout then.`

/** The exit code of a command that did what it had to, but could not print it. */
export const EXIT_UNPRINTED = 4

/** The part of a help text about the exit codes of a command that changes the list. */
export const CHANGE_EXIT_HELP = `Exit code:
  0  it is so now
${FAILURES}
  ${EXIT_UNPRINTED}  it is so now, but the output can't be written
The reason for 2, 3 and 4 is on stderr. With 2 and 3, nothing was changed, and nothing is on stdout.`
