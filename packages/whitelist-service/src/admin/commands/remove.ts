import { changeKeys, JSON_HELP } from './change-keys.js'
import { FAILURE_HELP, KEY_HELP, type ListCommand } from './list-command.js'

const help = `node dist/whitelist.js remove KEY… [--json]
Takes keys off the list, in every spelling, with what is said about them. A ban stays.

${KEY_HELP}
${JSON_HELP}

Exit code:
  0  it is so now
${FAILURE_HELP}
`

/** `remove KEY…`: takes keys off the list. */
export const removeCommand: ListCommand = {
  help,
  flags: ['json'],
  run: (context) =>
    changeKeys(context, {
      changeOf: ({ pubkey }) => ({ action: 'unallow', pubkey }),
      describe: (deeds) => (deeds.length > 0 ? 'removed' : 'was not listed'),
      createsList: false,
    }),
}
