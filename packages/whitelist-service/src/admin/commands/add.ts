import type { Deed } from '../change.js'
import { doubtAbout } from '../lint/key-doubt.js'
import { changeKeys, JSON_HELP } from './change-keys.js'
import { parseExpiry } from './expiry-argument.js'
import { CHANGE_EXIT_HELP, KEY_HELP, type ListCommand, type ListContext } from './list-command.js'
import { readText } from './text-argument.js'

const help = `node dist/whitelist.js add KEY… [--label TEXT] [--reason TEXT] [--expires WHEN] [--json]
Lets keys in: adds those not on the list, lifts their bans, and writes down what is given.

${KEY_HELP}
  --label TEXT      what to call them
  --reason TEXT     why they are let in
  --expires WHEN    2026-12-31T18:00:00Z, 2026-12-31 (its start in UTC), Unix seconds, or a time
                    from now: 12h, 30d, 2w. Without it, an expiry that has passed is dropped.
${JSON_HELP}

${CHANGE_EXIT_HELP}
`

/** `add KEY…`: lets keys in. */
export const addCommand: ListCommand = {
  help,
  flags: ['json'],
  texts: ['label', 'reason', 'expires'],
  run,
}

const WORDS: Partial<Record<Deed, string>> = {
  unbanned: 'ban lifted',
  added: 'added',
  updated: 'updated',
}

async function run(context: ListContext): Promise<number> {
  const label = readText(context, 'label')
  const reason = readText(context, 'reason')
  const expires = context.texts.get('expires')
  const nowSeconds = Math.floor(Date.now() / 1000)
  const expiresAt = expires === undefined ? undefined : parseExpiry(expires, nowSeconds)
  return changeKeys(context, {
    changeOf: (key) => ({ action: 'allow', ...key, label, reason, expiresAt }),
    describe: (deeds) => deeds.map((deed) => WORDS[deed]).join(', ') || 'already listed',
    // The operator decides.
    doubtAbout,
    createsList: true,
  })
}
