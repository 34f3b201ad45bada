import type { Deed } from '../change.js'
import { changeKeys, JSON_HELP } from './change-keys.js'
import { CHANGE_EXIT_HELP, KEY_HELP, type ListCommand, type ListContext } from './list-command.js'
import { readText } from './text-argument.js'

const banHelp = `node dist/whitelist.js ban KEY… [--reason TEXT] [--json]
Bans keys, and takes them off the list. A ban wins over everything; add and unban lift it.

${KEY_HELP}
  --reason TEXT     why they are banned
${JSON_HELP}

${CHANGE_EXIT_HELP}
`

const unbanHelp = `node dist/whitelist.js unban KEY… [--reason TEXT] [--json]
Lifts the bans of keys, and no more: to let them in, add them.

${KEY_HELP}
  --reason TEXT     why, for the audit log
${JSON_HELP}

${CHANGE_EXIT_HELP}
`

/** `ban KEY…`: lets keys in no more, whatever the list says. */
export const banCommand: ListCommand = {
  help: banHelp,
  flags: ['json'],
  texts: ['reason'],
  run: ban,
}

/** `unban KEY…`: lifts the bans of keys. */
export const unbanCommand: ListCommand = {
  help: unbanHelp,
  flags: ['json'],
  texts: ['reason'],
  run: unban,
}

async function ban(context: ListContext): Promise<number> {
  const reason = readText(context, 'reason')
  return changeKeys(context, {
    changeOf: ({ pubkey }) => ({ action: 'ban', pubkey, reason }),
    describe: describeBan,
    createsList: true,
  })
}

async function unban(context: ListContext): Promise<number> {
  const reason = readText(context, 'reason')
  return changeKeys(context, {
    changeOf: ({ pubkey }) => ({ action: 'unban', pubkey, reason }),
    describe: (deeds) => (deeds.length > 0 ? 'ban lifted' : 'was not banned'),
    createsList: false,
  })
}

function describeBan(deeds: readonly Deed[]): string {
  const words = [
    deeds.includes('banned') ? 'banned' : 'already banned',
    ...(deeds.includes('updated') ? ['reason updated'] : []),
    ...(deeds.includes('removed') ? ['removed from the list'] : []),
  ]
  return words.join(', ')
}
