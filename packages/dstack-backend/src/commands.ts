import type { Commands } from '@dstack-node/service-kit/command'

/** What the program does from a shell beside serving; the service itself needs none of it. */
export const commands: Commands = {
  check: async () => (await import('./commands/check.js')).checkCommand,
  pubkey: async () => (await import('./commands/pubkey.js')).pubkeyCommand,
}
