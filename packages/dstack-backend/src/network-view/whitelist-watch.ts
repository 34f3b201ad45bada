import type { Logger } from '@dstack-node/service-kit'
import type { WhitelistView } from './observation.js'
import type { Timing } from './periodic.js'
import { createWatch, REQUEST_TIMEOUT_MS, type Watch } from './watch.js'
import type { AskWhitelist } from './whitelist-client.js'
import { describeProblem } from './whitelist-messages.js'

const RETRY_MS = 60_000

export interface WhitelistWatchOptions {
  client: AskWhitelist
  /** 64 lower-case hex digits. */
  pubkey: string
  log: Logger
  now?: () => Date
  timing?: Timing
}

/** Asks the whitelist at once, and then now and then, whether the key is listed; sooner while it does not answer. */
export function createWhitelistWatch(options: WhitelistWatchOptions): Watch<WhitelistView> {
  const { client, pubkey, log, now, timing } = options
  return createWatch<WhitelistView>({
    ask: async (signal) => {
      const reply = await client(pubkey, { timeoutMs: REQUEST_TIMEOUT_MS, signal })
      if (reply.kind === 'verdict') return { value: { code: reply.code } }
      return { problem: describeProblem(reply) }
    },
    initial: {},
    describe: ({ code }) => `the whitelist says of this key: ${code}`,
    isGood: ({ code }) => code === 'listed',
    firstMs: 0,
    // A service that starts together with this one may be a little later.
    retryMs: RETRY_MS,
    log,
    now,
    timing,
  })
}
