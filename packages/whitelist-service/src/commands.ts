import type { Command, Commands } from '@dstack-node/service-kit/command'
import type { ListCommand } from './admin/commands/list-command.js'
import { parseListConfig } from './config.js'

/** What the program does with the list from a shell; the service itself needs none of it. */
export const commands: Commands = {
  check: async () => onList((await import('./admin/commands/check.js')).checkCommand),
  add: async () => onList((await import('./admin/commands/add.js')).addCommand),
  remove: async () => onList((await import('./admin/commands/remove.js')).removeCommand),
  ban: async () => onList((await import('./admin/commands/ban.js')).banCommand),
  unban: async () => onList((await import('./admin/commands/ban.js')).unbanCommand),
  list: async () => onList((await import('./admin/commands/list.js')).listCommand),
  lint: async () => onList((await import('./admin/commands/lint.js')).lintCommand),
}

/** Of the environment such a command reads where the list is, and no more. */
function onList({ run, ...usage }: ListCommand): Command {
  return {
    ...usage,
    run: (context) => run({ ...context, config: parseListConfig(context.loadEnv()) }),
  }
}
