import { EXIT } from '@dstack-node/service-kit/command-error'
import { formatNpub } from '@dstack-node/service-kit/npub'
import type { Allowlist } from '../../list/allowlist.js'
import { findKey } from '../../list/key-table.js'
import { textAt } from '../../list/text-column.js'
import { formatTime } from '../../time-text.js'
import { judge, type Verdict } from '../../list/verdict.js'
import { readGivenKeys } from './given-keys.js'
import { FAILURE_HELP, KEY_HELP, type ListCommand, type ListContext } from './list-command.js'
import { readList } from './read-list.js'
import { shownText } from './shown-text.js'
import { widthsOf, writeJson, writeRows } from './write-pieces.js'

const help = `node dist/whitelist.js check KEY… [--json]
Tells of each key whether the list lets it in now.

${KEY_HELP}
  --json            prints {"allowed", "version", "results": [{"pubkey", "npub", "allowed",
                    "code": "listed" | "not_listed" | "banned" | "expired", "label"?,
                    "reason"? of a ban, "expires_at"?}]}

Exit code:
  0  all keys are let in
  1  one is not
${FAILURE_HELP}
`

/** `check KEY…`: whether keys are let in. */
export const checkCommand: ListCommand = { help, flags: ['json'], run }

/** What the list says of a key. */
interface Checked extends Verdict {
  pubkey: string
  reason: string | undefined
}

async function run(context: ListContext): Promise<number> {
  const keys = await readGivenKeys(context)
  const list = await readList(context.config.whitelistFile)
  const nowSeconds = Math.floor(Date.now() / 1000)
  const results = keys.map(({ pubkey }) => check(list, pubkey, nowSeconds))
  const allowed = results.every(isAllowed)
  if (context.flags.has('json')) {
    const head = { allowed, version: list.version }
    await writeJson(context.stdout, head, 'results', results.map(toJson))
  } else {
    const rows = results.map(toRow)
    await writeRows(context.stdout, rows, widthsOf(rows))
  }
  return allowed ? EXIT.yes : EXIT.no
}

function check(list: Allowlist, pubkey: string, nowSeconds: number): Checked {
  const verdict = judge(list, pubkey, () => nowSeconds)
  const reason = textAt(list.banReasons, findKey(list.banned, pubkey))
  return { ...verdict, pubkey, reason }
}

function isAllowed({ code }: Verdict): boolean {
  return code === 'listed'
}

function toJson({ pubkey, code, label, reason, expiresAt }: Checked): object {
  return {
    pubkey,
    npub: formatNpub(pubkey),
    allowed: code === 'listed',
    code,
    label: shownText(label),
    reason: shownText(reason),
    expires_at: expiresAt === undefined ? undefined : formatTime(expiresAt),
  }
}

function toRow(checked: Checked): string[] {
  const { pubkey, code, label, reason, expiresAt } = checked
  const time = expiresAt === undefined ? undefined : formatTime(expiresAt)
  const until = time === undefined ? undefined : `${code === 'expired' ? 'since' : 'until'} ${time}`
  const details = [until, shownText(label), shownText(reason)].filter((text) => text !== undefined)
  return [
    isAllowed(checked) ? '✓' : '✗',
    formatNpub(pubkey),
    code.replace('_', ' '),
    details.join('  '),
  ]
}
