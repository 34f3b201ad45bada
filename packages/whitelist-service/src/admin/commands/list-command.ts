import type { Command, CommandContext } from '@dstack-node/service-kit/command'
import type { Config } from '../../config.js'

/** What the commands need of the configuration. */
export type ListConfig = Pick<Config, 'whitelistFile' | 'auditFile'>

/** A command that reads the list, or changes it. */
export type ListCommand = Command<ListConfig>
export type ListContext = CommandContext<ListConfig>

/** The part of a help text that says how keys are given. */
export const KEY_HELP = `  KEY               npub1…, nprofile1… or 64 hex digits
  -                 reads keys from standard input, one a line; # begins a comment`

/** The part of a help text about the exit codes that all commands have in common. */
export const FAILURE_HELP = `  2  the arguments make no sense
  3  it could not be done
The reason for 2 and 3 is on stderr, and nothing is on stdout then.`
