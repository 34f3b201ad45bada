import { EXIT, UsageError } from '@dstack-node/service-kit/command-error'
import { formatNpub } from '@dstack-node/service-kit/npub'
import type { Allowlist } from '../../list/allowlist.js'
import { keyAt } from '../../list/key-table.js'
import { textAt } from '../../list/text-column.js'
import { formatTime } from '../../time-text.js'
import { FAILURE_HELP, type ListCommand, type ListContext } from './list-command.js'
import { readList } from './read-list.js'
import { shownText } from './shown-text.js'
import { writeJson, writeRows } from './write-pieces.js'

const help = `node dist/whitelist.js list [--banned] [--json]
Prints the keys on the list, each once, in its order.

  --banned          prints the banned keys instead
  --json            prints {"version", "count", "keys": [{"pubkey", "npub",
                    "state": "listed" | "expired", "label"?, "reason"?, "expires_at"?}]};
                    with --banned {"version", "count", "banned": [{"pubkey", "npub", "reason"?}]}

Exit code:
  0  the list could be read
${FAILURE_HELP}
`

/** `list`: the keys on the list, or those that are banned. */
export const listCommand: ListCommand = { help, flags: ['banned', 'json'], run }

const NPUB_LENGTH = 63
const STATE_LENGTH = 'expired'.length
const TIME_LENGTH = '2026-12-31T00:00:00Z'.length

async function run(context: ListContext): Promise<number> {
  if (context.positionals.length > 0) throw new UsageError('an argument is not known')
  const list = await readList(context.config.whitelistFile)
  await (context.flags.has('banned') ? writeBanned(context, list) : writeKeys(context, list))
  return EXIT.yes
}

async function writeKeys({ flags, stdout, stderr }: ListContext, list: Allowlist): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  if (flags.has('json')) {
    const head = { version: list.version, count: list.keys.size }
    await writeJson(stdout, head, 'keys', jsonOfKeys(list, nowSeconds))
    return
  }
  if (list.keys.size === 0) await stderr.write('no key is on the list\n')
  else
    await writeRows(stdout, rowsOfKeys(list, nowSeconds), [NPUB_LENGTH, STATE_LENGTH, TIME_LENGTH])
  if (list.otherCount === 0) return
  await stderr.write(`${list.otherCount} more entries are no valid keys: see lint\n`)
}

async function writeBanned({ flags, stdout, stderr }: ListContext, list: Allowlist): Promise<void> {
  if (flags.has('json')) {
    const head = { version: list.version, count: list.banned.size }
    await writeJson(stdout, head, 'banned', jsonOfBanned(list))
    return
  }
  if (list.banned.size === 0) await stderr.write('no key is banned\n')
  else await writeRows(stdout, rowsOfBanned(list), [NPUB_LENGTH])
}

/** What the list says of its key at a position; made one by one, because there may be a million. */
function keyOf(
  { keys, expiries, labels, reasons }: Allowlist,
  position: number,
  nowSeconds: number,
) {
  const expiresAt = expiries[position] ?? Infinity
  return {
    pubkey: keyAt(keys, position),
    state: nowSeconds < expiresAt ? 'listed' : 'expired',
    label: shownText(textAt(labels, position)),
    reason: shownText(textAt(reasons, position)),
    expiresAt: expiresAt === Infinity ? undefined : formatTime(expiresAt),
  }
}

function* rowsOfKeys(list: Allowlist, nowSeconds: number): Generator<string[]> {
  yield ['NPUB', 'STATE', 'EXPIRES', 'LABEL']
  for (let position = 0; position < list.keys.size; position += 1) {
    const { pubkey, state, expiresAt = '-', label = '' } = keyOf(list, position, nowSeconds)
    yield [formatNpub(pubkey), state, expiresAt, label]
  }
}

function* jsonOfKeys(list: Allowlist, nowSeconds: number): Generator<object> {
  for (let position = 0; position < list.keys.size; position += 1) {
    const { pubkey, expiresAt, ...key } = keyOf(list, position, nowSeconds)
    yield { pubkey, npub: formatNpub(pubkey), ...key, expires_at: expiresAt }
  }
}

function* rowsOfBanned({ banned, banReasons }: Allowlist): Generator<string[]> {
  yield ['NPUB', 'REASON']
  for (let position = 0; position < banned.size; position += 1) {
    yield [formatNpub(keyAt(banned, position)), shownText(textAt(banReasons, position)) ?? '']
  }
}

function* jsonOfBanned({ banned, banReasons }: Allowlist): Generator<object> {
  for (let position = 0; position < banned.size; position += 1) {
    const pubkey = keyAt(banned, position)
    yield { pubkey, npub: formatNpub(pubkey), reason: shownText(textAt(banReasons, position)) }
  }
}
