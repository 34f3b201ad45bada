import { changeKeys, JSON_HELP } from './change-keys.js'
import { CHANGE_EXIT_HELP, KEY_HELP, type ListCommand, type ListContext } from './list-command.js'
import { readText } from './text-argument.js'

const help = `node dist/whitelist.js remove KEY… [--reason TEXT] [--json]
Takes keys off the list, in every spelling, with what is said about them. A ban stays.

${KEY_HELP}
  --reason TEXT     why, for the audit log
${JSON_HELP}

${CHANGE_EXIT_HELP}
`

/** `remove KEY…`: takes keys off the list. */
export const removeCommand: ListCommand = { help, flags: ['json'], texts: ['reason'], run }

async function run(context: ListContext): Promise<number> {
  const reason = readText(context, 'reason')
  return changeKeys(context, {
    changeOf: ({ pubkey }) => ({ action: 'unallow', pubkey, reason }),
    describe: (deeds) => (deeds.length > 0 ? 'removed' : 'was not listed'),
    createsList: false,
  })
}
