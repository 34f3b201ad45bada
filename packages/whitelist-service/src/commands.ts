import type { Commands } from '@dstack-node/service-kit/command'
import type { ListConfig } from './admin/commands/list-command.js'

/** What the program does with the list from a shell; the service itself needs none of it. */
export const commands: Commands<ListConfig> = {
  check: async () => (await import('./admin/commands/check.js')).checkCommand,
  add: async () => (await import('./admin/commands/add.js')).addCommand,
  remove: async () => (await import('./admin/commands/remove.js')).removeCommand,
  ban: async () => (await import('./admin/commands/ban.js')).banCommand,
  unban: async () => (await import('./admin/commands/ban.js')).unbanCommand,
  list: async () => (await import('./admin/commands/list.js')).listCommand,
  lint: async () => (await import('./admin/commands/lint.js')).lintCommand,
}
