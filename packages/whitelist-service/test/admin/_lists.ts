import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { expect } from 'vitest'
import { ChangeError } from '../../src/admin/change-error.js'
import { parseAllowlist, type Allowlist } from '../../src/list/allowlist.js'

export const EMPTY = '{"pubkeys": []}\n'

/** A list in a folder of its own. */
export interface TestList {
  folder: string
  path: string
  auditFile: string
  text: () => Promise<string>
  allowlist: () => Promise<Allowlist>
  /** The lines of the audit log. */
  audit: () => Promise<AuditLine[]>
  /** The names of the files in its folder. */
  names: () => Promise<string[]>
}

export interface AuditLine {
  action: string
  pubkey: string
  version_before: string
  version_after: string
  [field: string]: unknown
}

/** A list file with this content, in this folder or in a new one. */
export async function makeList(content: string = EMPTY, inFolder?: string): Promise<TestList> {
  const folder = inFolder ?? (await temporaryFolder())
  // Also for a test that gives up the rights of root.
  await chmod(folder, 0o755)
  const path = join(folder, 'whitelist.json')
  const auditFile = join(folder, 'audit.jsonl')
  await writeFile(path, content)
  return {
    folder,
    path,
    auditFile,
    text: () => readFile(path, 'utf8'),
    allowlist: async () => parseAllowlist(await readFile(path)),
    audit: () => readAudit(auditFile),
    names: async () => (await readdir(folder)).sort(),
  }
}

/** The lines of an audit log; each must be JSON. None where there is no log. */
export async function readAudit(path: string): Promise<AuditLine[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  return lines.map((line) => JSON.parse(line) as AuditLine)
}

/** The code and the message of the ChangeError that this must end with. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ChangeError)
  const { code, message } = error as ChangeError
  return `${code}: ${message}`
}

/** Runs `action` without the rights of root, which may do everything. */
export async function withoutRoot<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid?.(65534)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}
