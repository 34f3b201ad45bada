import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  open,
  readFile,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { appendAudit, formatAudit, type AuditRecord } from '../../../src/admin/writing/audit-log.js'
import { canMount, mountSmallDisk } from '@dstack-node/testbed/test-tools/mounts'
import { makeList, readAudit, refusalOf, withoutRoot } from '../_lists.js'

const PUBKEY = 'ab'.repeat(32)
const RECORD: AuditRecord = {
  time: new Date('2026-06-01T12:00:00.500Z'),
  who: 'tester',
  effects: [
    {
      action: 'allow',
      pubkey: PUBKEY,
      deeds: ['unbanned', 'added'],
      label: 'machine',
      reason: 'asked for it',
      expiresAt: 1_800_000_000,
    },
    { action: 'unban', pubkey: PUBKEY, deeds: ['unbanned'] },
  ],
  versionBefore: '0'.repeat(16),
  versionAfter: '1'.repeat(16),
}
const isRoot = process.geteuid?.() === 0

async function targetAt(path: string) {
  return { path, stats: await stat(path) }
}

/** Lets the next file be written, but not be kept; before that is told, something else happens. */
async function failToSync(path: string, meanwhile: () => Promise<void>): Promise<void> {
  const file = await open(path)
  const prototype = Object.getPrototypeOf(file) as FileHandle
  await file.close()
  const sync = vi.spyOn(prototype, 'sync').mockImplementationOnce(async () => {
    await meanwhile()
    throw Object.assign(new Error('the disk is broken'), { code: 'EIO' })
  })
  onTestFinished(() => {
    sync.mockRestore()
  })
}

describe('formatAudit', () => {
  it('writes a line for each effect', () => {
    const versions = `"version_before":"${'0'.repeat(16)}","version_after":"${'1'.repeat(16)}"`
    expect(formatAudit(RECORD)).toBe(
      `{"time":"2026-06-01T12:00:00.500Z","who":"tester","action":"allow","pubkey":"${PUBKEY}",` +
        '"did":["unbanned","added"],"why":"asked for it","label":"machine",' +
        `"expires_at":"2027-01-15T08:00:00Z",${versions}}\n` +
        `{"time":"2026-06-01T12:00:00.500Z","who":"tester","action":"unban","pubkey":"${PUBKEY}",` +
        `"did":["unbanned"],${versions}}\n`,
    )
  })

  it('bounds who it was, and keeps it on one line', () => {
    const text = formatAudit({ ...RECORD, who: `a\n\u2028${'x'.repeat(1000)}` })
    expect(text.split('\n')).toHaveLength(3)
    expect(text.length).toBeLessThan(2000)
    expect(text).toContain('"who":"a xxx')
  })
})

describe('appendAudit', () => {
  it('appends to what is there', async () => {
    const { path, auditFile } = await makeList()
    await writeFile(auditFile, '{"first": true}\n')
    await appendAudit(auditFile, RECORD, await targetAt(path))
    const text = await readFile(auditFile, 'utf8')
    expect(text).toBe(`{"first": true}\n${formatAudit(RECORD)}`)
  })

  it('creates it with the mode of the list', async () => {
    const { path, auditFile } = await makeList()
    await chmod(path, 0o660)
    if (isRoot) await chown(path, 1234, 2345)
    const list = await targetAt(path)
    await appendAudit(auditFile, RECORD, list)
    const { uid, gid, mode } = await stat(auditFile)
    const of = list.stats
    expect({ uid, gid, mode }).toEqual({ uid: of.uid, gid: of.gid, mode: of.mode })
  })

  it('leaves the mode of one that is there', async () => {
    const { path, auditFile } = await makeList()
    await writeFile(auditFile, '', { mode: 0o600 })
    await appendAudit(auditFile, RECORD, await targetAt(path))
    expect((await stat(auditFile)).mode & 0o777).toBe(0o600)
  })

  it('ends a line that a crash cut off', async () => {
    const { path, auditFile } = await makeList()
    await writeFile(auditFile, '{"who": "me"}\n{"who": "m')
    await appendAudit(auditFile, RECORD, await targetAt(path))
    const lines = (await readFile(auditFile, 'utf8')).split('\n')
    expect(lines.slice(0, 2)).toEqual(['{"who": "me"}', '{"who": "m'])
    expect(lines.slice(2).join('\n')).toBe(formatAudit(RECORD))
  })

  it('keeps the lines of many writers apart', async () => {
    const { path, auditFile } = await makeList()
    const list = await targetAt(path)
    await Promise.all(Array.from({ length: 20 }, () => appendAudit(auditFile, RECORD, list)))
    expect(await readAudit(auditFile)).toHaveLength(40)
  })

  it.each([
    ['is a directory', (path: string) => mkdir(path), "can't be written (EISDIR)"],
    [
      'is a FIFO that nobody reads',
      async (path: string) => void execFileSync('mkfifo', [path]),
      'must be a regular file',
    ],
  ])('refuses where it %s', async (_, make, reason) => {
    const { path, auditFile } = await makeList()
    await make(auditFile)
    const refusal = await refusalOf(appendAudit(auditFile, RECORD, await targetAt(path)))
    expect(refusal).toContain(`audit_failed: ${auditFile}: the audit log ${reason}`)
    expect(refusal).toMatch(/; nothing was changed$/)
  })

  it('refuses a device', async () => {
    const { path } = await makeList()
    expect(await refusalOf(appendAudit('/dev/full', RECORD, await targetAt(path)))).toBe(
      'audit_failed: /dev/full: the audit log must be a regular file; nothing was changed',
    )
  })

  it('refuses the list itself, by whatever name', async () => {
    const { folder, path, text } = await makeList()
    const other = join(folder, 'other')
    await link(path, other)
    const before = await text()
    for (const name of [path, other]) {
      expect(await refusalOf(appendAudit(name, RECORD, await targetAt(path)))).toContain(
        'must be another file than the list: set AUDIT_FILE',
      )
    }
    expect(await text()).toBe(before)
  })

  it('refuses where its folder is missing', async () => {
    const { folder, path } = await makeList()
    const auditFile = join(folder, 'missing', 'audit.jsonl')
    expect(await refusalOf(appendAudit(auditFile, RECORD, await targetAt(path)))).toContain(
      "the audit log's folder is not there: make it, or set AUDIT_FILE",
    )
  })

  it('refuses where it may not be written', async () => {
    const { path, auditFile } = await makeList()
    await writeFile(auditFile, '', { mode: 0o444 })
    const list = await targetAt(path)
    expect(await refusalOf(withoutRoot(() => appendAudit(auditFile, RECORD, list)))).toContain(
      "can't be written (EACCES): give this user the right, or set AUDIT_FILE",
    )
  })

  it.each([
    ['takes back what it wrote', ''],
    ['leaves what another list’s writer has appended since', '{"of": "another"}\n'],
  ])('where it can not be kept, %s', async (_, since) => {
    const { path, auditFile } = await makeList()
    await writeFile(auditFile, '{"first": true}\n')
    await failToSync(auditFile, () => appendFile(auditFile, since))
    expect(await refusalOf(appendAudit(auditFile, RECORD, await targetAt(path)))).toContain(
      `audit_failed: ${auditFile}: the audit log can't be written (EIO)`,
    )
    const own = since && formatAudit(RECORD)
    expect(await readFile(auditFile, 'utf8')).toBe(`{"first": true}\n${own}${since}`)
  })

  it.skipIf(!canMount)('refuses where the disk is full, and takes back what it wrote', async () => {
    const disk = await mountSmallDisk(4)
    const auditFile = join(disk, 'audit.jsonl')
    const { path } = await makeList()
    const list = await targetAt(path)
    await appendAudit(auditFile, RECORD, list)
    await appendFile(auditFile, `{"filler": "${'x'.repeat(3000)}"}\n`)
    const before = await readFile(auditFile, 'utf8')
    await appendAudit(auditFile, { ...RECORD, effects: [] }, list)
    const longer = { ...RECORD, effects: [...RECORD.effects, ...RECORD.effects, ...RECORD.effects] }
    expect(await refusalOf(appendAudit(auditFile, longer, list))).toBe(
      `audit_failed: ${auditFile}: the audit log can't be written, the disk is full: make room; ` +
        'nothing was changed',
    )
    expect(await readFile(auditFile, 'utf8')).toBe(before)
  })
})
