import { CommandError, EXIT } from '@dstack-node/service-kit/command-error'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { formatNpub } from '@dstack-node/service-kit/npub'
import { createEmptyList } from '../../list/empty-list.js'
import { changeAllowlist, type ChangeResult } from '../change-allowlist.js'
import { ChangeError } from '../change-error.js'
import type { Change, Deed } from '../change.js'
import { readGivenKeys, type GivenKey } from './given-keys.js'
import { EXIT_UNPRINTED, type ListContext } from './list-command.js'
import { shellUser } from './shell-user.js'
import { widthsOf, writeJson, writePieces, writeRows } from './write-pieces.js'

/** The part of a help text that says what `--json` prints. */
export const JSON_HELP = `  --json            prints {"changed", "version_before", "version_after",
                    "results": [{"pubkey", "npub", "changed", "deeds"}]}; deeds are "added",
                    "removed", "banned", "unbanned" and "updated"`

/** What a command does to each of its keys. */
export interface KeyChange {
  changeOf: (key: GivenKey) => Change
  /** What was done, in words; without deeds, why nothing had to be. */
  describe: (deeds: readonly Deed[]) => string
  /** What is doubtful about a key to which it is done all the same. */
  doubtAbout?: (pubkey: string) => { message: string } | undefined
  /** Whether a list that is not there is created. */
  createsList: boolean
}

/** What was done about a key. */
interface Changed {
  pubkey: string
  deeds: readonly Deed[]
}

/** Does it to all keys that were given, all of them or none, and tells what was done. */
export async function changeKeys(context: ListContext, change: KeyChange): Promise<number> {
  const keys = await readGivenKeys(context)
  const result = await changeFile(context, change, keys.map(change.changeOf))
  try {
    await tell(context, change, keys, result)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const what = result.effects.length > 0 ? 'the change was made' : NOTHING_TO_DO
    throw new CommandError(`${what}, but ${error.message}`, EXIT_UNPRINTED, { cause: error })
  }
  return EXIT.yes
}

const NOTHING_TO_DO = 'nothing had to be changed'

async function tell(
  context: ListContext,
  change: KeyChange,
  keys: readonly GivenKey[],
  { effects, ...versions }: ChangeResult,
): Promise<void> {
  const deedsOf = new Map(effects.map(({ pubkey, deeds }) => [pubkey, deeds]))
  const results = keys.map(({ pubkey }) => ({ pubkey, deeds: deedsOf.get(pubkey) ?? [] }))
  if (context.flags.has('json')) await writeResults(context, results, versions)
  else await explainResults(context, results, change)
  for (const { pubkey } of results) {
    const doubt = change.doubtAbout?.(pubkey)
    if (doubt) await context.stderr.write(`warning: ${formatNpub(pubkey)}: ${doubt.message}\n`)
  }
}

async function changeFile(
  context: ListContext,
  order: KeyChange,
  changes: readonly Change[],
): Promise<ChangeResult> {
  const { whitelistFile: path, auditFile } = context.config
  const request = { path, auditFile, changes, by: shellUser(), now: new Date() }
  try {
    return await changeAllowlist(request).catch(async (error: unknown) => {
      const isMissing = error instanceof ChangeError && error.code === 'file_missing'
      if (!isMissing || !order.createsList) throw error
      await createList(context)
      return changeAllowlist(request)
    })
  } catch (error) {
    if (!(error instanceof ChangeError)) throw error
    throw new CommandError(error.message, EXIT.failed, { cause: error })
  }
}

async function createList({ config, stderr }: ListContext): Promise<void> {
  const path = config.whitelistFile
  try {
    if (await createEmptyList(path)) await stderr.write(`${path} was not there: created it\n`)
  } catch (error) {
    throw new CommandError(
      `${path}: the file is not there and can't be created (${errorCode(error)}): create it, or set WHITELIST_FILE`,
    )
  }
}

function writeResults(
  { stdout }: ListContext,
  results: readonly Changed[],
  { versionBefore, versionAfter }: Omit<ChangeResult, 'effects'>,
): Promise<void> {
  const rows = results.map(({ pubkey, deeds }) => {
    return { pubkey, npub: formatNpub(pubkey), changed: deeds.length > 0, deeds }
  })
  const changed = rows.some((row) => row.changed)
  const head = { changed, version_before: versionBefore, version_after: versionAfter }
  return writeJson(stdout, head, 'results', rows)
}

async function explainResults(
  { stdout }: ListContext,
  results: readonly Changed[],
  { describe }: KeyChange,
): Promise<void> {
  const rows = results.map(({ pubkey, deeds }) => [formatNpub(pubkey), describe(deeds)])
  await writeRows(stdout, rows, widthsOf(rows))
  const isChanged = results.some(({ deeds }) => deeds.length > 0)
  const next = isChanged ? 'a running service picks this up within 2 s' : NOTHING_TO_DO
  await writePieces(stdout, [`${next}\n`])
}
