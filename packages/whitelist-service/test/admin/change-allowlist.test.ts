import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { beforeAll, describe, expect, it } from 'vitest'
import { changeAllowlist, type ChangeResult } from '../../src/admin/change-allowlist.js'
import type { Change } from '../../src/admin/change.js'
import { createOwner } from '../../src/admin/writing/lock-owner.js'
import { journalPath, writeJournal } from '../../src/admin/writing/recovery-journal.js'
import { judge } from '../../src/list/verdict.js'
import { canMount, mountFile, mountSmallDisk } from '@dstack-node/testbed/test-tools/mounts'
import { EMPTY, makeList, readAudit, refusalOf, type TestList } from './_lists.js'
import { buildWriter, type Writer } from './_writers.js'
import type { WriterTask } from './_writer.js'

const NOW = new Date('2026-06-01T12:00:00Z')
const isRoot = process.geteuid?.() === 0
const key = makeKey()

type Target = Pick<TestList, 'path' | 'auditFile'>

async function change({ path, auditFile }: Target, ...changes: Change[]): Promise<ChangeResult> {
  return changeAllowlist({ path, auditFile, changes, by: 'tester', now: NOW })
}

const allow = (pubkey = key.hex, more: object = {}): Change => ({
  action: 'allow',
  pubkey,
  ...more,
})

let startWriter: (task: WriterTask, uid?: number) => Writer
beforeAll(async () => {
  startWriter = await buildWriter()
})

describe('changeAllowlist', () => {
  it('changes the file, and tells what it did', async () => {
    const list = await makeList()
    const before = (await list.allowlist()).version
    const result = await change(list, allow(key.hex, { spelling: key.npub, label: 'machine' }))
    const after = await list.allowlist()
    expect(result).toEqual({
      effects: [{ action: 'allow', pubkey: key.hex, deeds: ['added'], label: 'machine' }],
      versionBefore: before,
      versionAfter: after.version,
    })
    expect(after.version).not.toBe(before)
    expect(judge(after, key.hex, () => 0)).toEqual({ code: 'listed', label: 'machine' })
    expect(await list.text()).toContain(`{"pubkeys": ["${key.npub}"], "meta"`)
    expect(await list.names()).toEqual(['audit.jsonl', 'whitelist.json'])
  })

  it('leaves a line in the audit log for each effect', async () => {
    const list = await makeList()
    const changes = [allow(), allow(makeKey().hex), allow()]
    const { versionBefore, versionAfter } = await change(list, ...changes)
    const versions = { version_before: versionBefore, version_after: versionAfter }
    expect(await list.audit()).toMatchObject([
      { time: NOW.toISOString(), who: 'tester', action: 'allow', pubkey: key.hex, ...versions },
      { action: 'allow', pubkey: changes[1]?.pubkey, ...versions },
    ])
  })

  it('writes nothing where there is nothing to do', async () => {
    const list = await makeList()
    await change(list, allow())
    const [before, audit] = [await stat(list.path), await readFile(list.auditFile, 'utf8')]
    const { effects, versionBefore, versionAfter } = await change(list, allow())
    expect(effects).toEqual([])
    expect(versionAfter).toBe(versionBefore)
    expect((await stat(list.path)).ino).toBe(before.ino)
    expect(await readFile(list.auditFile, 'utf8')).toBe(audit)
  })

  it('keeps the byte order mark, the line ends and the mode', async () => {
    const list = await makeList(
      '\ufeff{\r\n  "pubkeys": [\r\n    "x"\r\n  ],\r\n  "n": 1.0\r\n}\r\n',
    )
    await chmod(list.path, 0o640)
    await change(list, { action: 'ban', pubkey: key.hex })
    await change(list, { action: 'unban', pubkey: key.hex })
    expect(await list.text()).toBe(
      '\ufeff{\r\n  "pubkeys": [\r\n    "x"\r\n  ],\r\n  "n": 1.0,\r\n  "banned": {}\r\n}\r\n',
    )
    expect((await stat(list.path)).mode & 0o777).toBe(0o640)
  })

  it('reads the file afresh each time', async () => {
    const list = await makeList()
    await change(list, allow())
    await writeFile(list.path, `{"pubkeys": ["${makeKey().npub}"], "note": "mine"}`)
    await change(list, allow())
    expect((await list.allowlist()).keys.size).toBe(2)
    expect(await list.text()).toContain('"note": "mine"')
  })

  it('loses nothing when many change it at once', async () => {
    const list = await makeList()
    const keys = Array.from({ length: 20 }, makeKey)
    await Promise.all(keys.map(({ hex }) => change(list, allow(hex))))
    expect((await list.allowlist()).keys.size).toBe(20)
    await expectChain(list)
    expect((await list.audit()).map(({ pubkey }) => pubkey)).toEqual(keys.map(({ hex }) => hex))
  })

  it('takes a list of another name for another list', async () => {
    const list = await makeList()
    const other = { ...list, path: join(list.folder, 'other.json') }
    await writeFile(other.path, EMPTY)
    await Promise.all([change(list, allow()), change(other, allow())])
    expect(await readFile(other.path, 'utf8')).toBe(await list.text())
  })
})

/** Each line must begin with the version that the one before it ended with. */
async function expectChain(list: TestList): Promise<void> {
  const lines = await list.audit()
  expect(lines.slice(1).map(({ version_before: version }) => version)).toEqual(
    lines.slice(0, -1).map(({ version_after: version }) => version),
  )
  expect(lines.at(-1)?.version_after).toBe((await list.allowlist()).version)
}

describe('changeAllowlist, what it refuses', () => {
  async function expectRefused(list: Target, code: string, ...changes: Change[]): Promise<void> {
    const before = await readFile(list.path).catch(() => undefined)
    const refusal = await refusalOf(change(list, ...(changes.length > 0 ? changes : [allow()])))
    expect(refusal.startsWith(`${code}: `), refusal).toBe(true)
    expect(refusal).toContain('nothing was changed')
    expect(await readFile(list.path).catch(() => undefined)).toEqual(before)
  }

  it.each([
    ['no JSON', '{"pubkeys": [', /mended first: the file is not valid JSON: look at line 1/],
    ['of another shape', '[]', /mended first: the file must|"pubkeys" must/],
    ['empty', '', /mended first: the file is empty/],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), /mended first: the file is not UTF-8/],
    ['with a secret key', `{"pubkeys": ["${key.nsec}"]}`, /mended first: entry 0 .* SECRET key/],
    [
      'with "meta" twice',
      '{"pubkeys": [], "meta": {}, "meta": {}}',
      /"meta" \(line 1\) stands there twice/,
    ],
  ])('refuses a file that is %s, and leaves it', async (_, content, reason) => {
    const list = await makeList()
    await writeFile(list.path, content)
    expect(await refusalOf(change(list, allow()))).toMatch(reason)
    await expectRefused(list, 'file_invalid')
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it('refuses a file that is not there, and makes none', async () => {
    const list = await makeList()
    await rm(list.path)
    await expectRefused(list, 'file_missing')
    expect(await list.names()).toEqual([])
  })

  it('refuses a symbolic link', async () => {
    const list = await makeList()
    const path = join(list.folder, 'link')
    await symlink(list.path, path)
    await expectRefused({ ...list, path }, 'symlink')
  })

  it('refuses a directory', async () => {
    const list = await makeList()
    await rm(list.path)
    await mkdir(list.path)
    await expectRefused(list, 'not_a_file')
  })

  it('refuses a read-only file', async () => {
    const list = await makeList()
    await chmod(list.path, 0o444)
    await expectRefused(list, 'read_only')
    expect(await list.names()).toEqual(['whitelist.json'])
  })

  it.skipIf(!isRoot).each([
    ['file', 0o777, 0o644, 'no right to write it'],
    ['folder', 0o755, 0o666, 'no right to write its folder'],
  ])('refuses where this user may not write the %s', async (_, folderMode, mode, reason) => {
    const list = await makeList()
    await chmod(list.folder, folderMode)
    await chmod(list.path, mode)
    const writer = startWriter({ ...list, name: 'a', count: 1 }, 65_534)
    expect((await writer.exited).code).toBe(1)
    expect(writer.lines()[0]).toContain(`read_only: ${list.path}: this user has ${reason}`)
    expect(await list.text()).toBe(EMPTY)
  })

  it('refuses where the audit log can not be written', async () => {
    const list = await makeList()
    await mkdir(list.auditFile)
    await expectRefused(list, 'audit_failed')
    await expectRefused({ ...list, auditFile: '/dev/full' }, 'audit_failed')
    await expectRefused({ ...list, auditFile: list.path }, 'audit_failed')
    await expectRefused({ ...list, auditFile: join(list.folder, 'no', 'audit') }, 'audit_failed')
    expect(await list.names()).toEqual(['audit.jsonl', 'whitelist.json'])
  })

  it('refuses while another process holds the lock', async () => {
    const list = await makeList()
    const lock = `${list.path}.lock`
    await writeFile(lock, 'another container')
    const request = { ...list, changes: [allow()], by: 'tester', now: NOW }
    const refusal = await refusalOf(changeAllowlist(request, { lock: { waitMs: 5 } }))
    expect(refusal).toMatch(/^locked: the list is being changed by another process/)
    expect(await list.text()).toBe(EMPTY)
    expect(await list.names()).toEqual(['whitelist.json', 'whitelist.json.lock'])
  })

  it.skipIf(!canMount)('refuses where the disk is full, and leaves nothing', async () => {
    const list = await makeList(EMPTY, await mountSmallDisk(16))
    await writeFile(join(list.folder, 'filler'), Buffer.alloc(12 * 1024))
    await expectRefused(list, 'no_space')
    await rm(join(list.folder, 'filler'))
    await writeFile(join(list.folder, 'filler'), Buffer.alloc(8 * 1024))
    await expectRefused(list, 'no_space')
    expect(await list.names()).toEqual(['filler', 'whitelist.json'])
    await rm(join(list.folder, 'filler'))
    expect((await change(list, allow())).effects).toHaveLength(1)
  })

  it.skipIf(!canMount)('refuses a file that is mounted read-only', async () => {
    const list = await makeList()
    mountFile(list.path, list.path, { readOnly: true })
    await expectRefused(list, 'read_only')
  })

  it('throws the mistakes of the program as they are', async () => {
    const list = await makeList()
    await expect(change(list, allow('x'))).rejects.toBeInstanceOf(RangeError)
    expect(await list.names()).toEqual(['whitelist.json'])
  })
})

describe('changeAllowlist, where the file is a mount of its own', () => {
  async function mounted(content = EMPTY) {
    const outside = await makeList(content)
    const inside = await makeList('hidden')
    mountFile(outside.path, inside.path)
    return { outside, inside }
  }

  it.skipIf(!canMount)('changes the file that is mounted', async () => {
    const { outside, inside } = await mounted()
    const { ino } = await stat(outside.path)
    await change(inside, allow())
    await change(inside, allow(makeKey().hex))
    expect((await outside.allowlist()).keys.size).toBe(2)
    expect((await stat(outside.path)).ino).toBe(ino)
    expect(await inside.names()).toEqual(['audit.jsonl', 'whitelist.json'])
    expect(await outside.names()).toEqual(['whitelist.json'])
    await expectChain(inside)
  })

  it.skipIf(!canMount)('finds it out where nothing tells', async () => {
    const { outside, inside } = await mounted()
    const request = { ...inside, changes: [allow()], by: 'tester', now: NOW }
    await changeAllowlist(request, { mountRoot: async () => undefined })
    expect((await outside.allowlist()).keys.size).toBe(1)
    expect(await inside.names()).toEqual(['audit.jsonl', 'whitelist.json'])
    await expectChain(inside)
  })

  it.skipIf(!canMount || !isRoot)(
    'works beside the audit log, where only that can be',
    async () => {
      const { inside } = await mounted()
      await chmod(inside.path, 0o666)
      const audits = await temporaryFolder()
      await chmod(audits, 0o777)
      const auditFile = join(audits, 'audit.jsonl')
      const writer = startWriter({ ...inside, auditFile, name: 'a', count: 2 }, 65_534)
      expect(await writer.exited).toEqual({ code: 0, signal: null })
      expect((await inside.allowlist()).keys.size).toBe(1)
      expect(await readAudit(auditFile)).toHaveLength(2)
    },
  )

  it.skipIf(!canMount || !isRoot)(
    'refuses where there is no folder at all for a journal',
    async () => {
      const { inside, outside } = await mounted()
      await chmod(inside.path, 0o666)
      const writer = startWriter({ ...inside, name: 'a', count: 1 }, 65_534)
      expect((await writer.exited).code).toBe(1)
      expect(writer.lines()[0]).toMatch(/^no_journal: .*: set AUDIT_FILE to a file in one that can/)
      expect(await outside.text()).toBe(EMPTY)
    },
  )

  it.skipIf(!canMount)('loses nothing where the disk of the list is full', async () => {
    const disk = await mountSmallDisk(8)
    const content = `{"pubkeys": [], "filler": "${'x'.repeat(4060)}"}\n`
    await writeFile(join(disk, 'list'), content)
    await writeFile(join(disk, 'filler'), Buffer.alloc(4096))
    const inside = await makeList('hidden')
    mountFile(join(disk, 'list'), inside.path)
    expect(await refusalOf(change(inside, allow()))).toMatch(/^no_space: .*nothing was changed$/)
    expect(await inside.text()).toBe(content)
    expect(await inside.names()).toEqual(['audit.jsonl', 'whitelist.json'])
  })

  it('completes what a crash interrupted, before anything else', async () => {
    const list = await makeList()
    await change(list, allow())
    const [before, after] = [Buffer.from(EMPTY), await readFile(list.path)]
    const torn = Buffer.concat([after.subarray(0, 30), before.subarray(30)])
    await writeJournal(
      journalPath(list.folder, list.path),
      { before, after },
      await stat(list.path),
    )
    await writeFile(list.path, torn)
    await change(list, allow(makeKey().hex))
    expect((await list.allowlist()).keys.size).toBe(2)
    expect(await list.names()).toEqual(['audit.jsonl', 'whitelist.json'])
  })
})

describe('changeAllowlist, in several processes', () => {
  it.each([
    ['by putting another file in its place', false],
    ['in place', true],
  ])('loses nothing: %s', async (_, inPlace) => {
    const list = await makeList()
    // Of a process that was killed, as the first of them finds it.
    await writeFile(`${list.path}.lock`, await deadOwner())
    const names = ['a', 'b', 'c']
    const writers = names.map((name) => startWriter({ ...list, name, count: 12, inPlace }))
    for (const writer of writers) expect(await writer.exited).toEqual({ code: 0, signal: null })
    const allowlist = await list.allowlist()
    expect(allowlist.keys.size).toBe(3 * 6)
    expect(allowlist.banned.size).toBe(3 * 6)
    await expectChain(list)
    expect(await list.names()).toEqual(['audit.jsonl', 'whitelist.json'])
  })
})

async function deadOwner(): Promise<string> {
  return JSON.stringify({ ...(await createOwner()), began: '1' })
}
