import { CommandError, EXIT, UsageError } from '@dstack-node/service-kit/command-error'
import { errorCode } from '@dstack-node/service-kit/error-code'
import { readBounded, UnusableFileError } from '../../list/allowlist-reader.js'
import { NO_LIST } from '../../list/empty-list.js'
import type { Finding } from '../lint/finding.js'
import { lintList, type LintReport } from '../lint/lint-list.js'
import { FAILURE_HELP, type ListCommand, type ListContext } from './list-command.js'
import { settle } from './read-list.js'
import { widthsOf, writeJson, writePieces, writeRows } from './write-pieces.js'

const help = `node dist/whitelist.js lint [--json]
Explains every doubtful entry of the list, and what to do about it: texts that are no key, secret
keys, duplicates, keys that anybody can use, expired ones and more. It changes nothing.

  --json            prints {"file", "loads", "entries", "findings": [{"code", "fatal",
                    "field"?, "index"?, "line"?, "pubkey"?, "message"}]}; "fatal" is what keeps
                    the service from loading the file, "index" counts from 0, "line" from 1

Exit code:
  0  nothing is doubtful
  1  something is
${FAILURE_HELP}
`

/** `lint`: what is doubtful about the list. */
export const lintCommand: ListCommand = { help, flags: ['json'], run }

async function run(context: ListContext): Promise<number> {
  if (context.positionals.length > 0) throw new UsageError('an argument is not known')
  const path = context.config.whitelistFile
  const report = await readReport(path, createProgress(context))
  await endProgress(context, report)
  if (context.flags.has('json')) await writeReport(context, path, report)
  else await explainReport(context, path, report)
  return report.findings.length === 0 ? EXIT.yes : EXIT.no
}

type OnProgress = (done: number) => void

async function readReport(path: string, onProgress?: OnProgress): Promise<LintReport> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const lint = (bytes: Uint8Array) => lintList(bytes, { nowSeconds, onProgress })
  try {
    // A file that is no JSON at all may be one that somebody is writing.
    return await settle(
      async () => lint(await readBounded(path)),
      ({ findings, entryCount }) => entryCount > 0 || findings.length === 0,
    )
  } catch (error) {
    if (error instanceof UnusableFileError) throw new CommandError(`${path}: ${error.message}`)
    if (errorCode(error) === 'unknown') throw error
    throw new CommandError(`${path}: ${describeCode(errorCode(error))}`)
  }
}

function describeCode(code: string): string {
  return code === 'ENOENT' ? NO_LIST : `it can't be read (${code})`
}

const QUICK_ENTRIES = 50_000

/** Shows, to a person, that something goes on where a list takes its time. */
function createProgress({ stderr }: ListContext): ((done: number) => void) | undefined {
  if (!stderr.isTerminal) return undefined
  return (done) => {
    if (done >= QUICK_ENTRIES) void stderr.write(`\r${countOf(done, 'entries')} checked `)
  }
}

async function endProgress({ stderr }: ListContext, { entryCount }: LintReport): Promise<void> {
  if (stderr.isTerminal && entryCount >= QUICK_ENTRIES) await stderr.write('\n')
}

function writeReport({ stdout }: ListContext, path: string, report: LintReport): Promise<void> {
  const { findings, entryCount } = report
  const head = { file: path, loads: loads(report), entries: entryCount }
  const rows = findings.map(({ code, isFatal, field, index, line, pubkey, message }) => {
    return { code, fatal: isFatal, field, index, line, pubkey, message }
  })
  return writeJson(stdout, head, 'findings', rows)
}

async function explainReport(
  { stdout }: ListContext,
  path: string,
  report: LintReport,
): Promise<void> {
  const { findings, entryCount } = report
  const rows = findings.map(toRow)
  await writeRows(stdout, rows, widthsOf(rows))
  const found = findings.length === 0 ? 'nothing is doubtful' : countOf(findings.length, 'findings')
  const end = loads(report) ? '' : '; the service does not load this file'
  await writePieces(stdout, [`${path}: ${countOf(entryCount, 'entries')}, ${found}${end}\n`])
}

function loads({ findings }: LintReport): boolean {
  return !findings.some(({ isFatal }) => isFatal)
}

function toRow({ line, field, index, code, message }: Finding): string[] {
  const place = index === undefined ? (field ?? '') : `entry ${index}`
  return [line === undefined ? 'file' : `line ${line}`, place, code, message]
}

const ONE = { entries: 'entry', findings: 'finding' }

function countOf(count: number, what: keyof typeof ONE): string {
  return `${count.toLocaleString('en')} ${count === 1 ? ONE[what] : what}`
}
