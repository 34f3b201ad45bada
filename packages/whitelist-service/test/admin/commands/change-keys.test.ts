import { chmod, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { formatNpub } from '@dstack-node/service-kit/npub'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { shellUser } from '../../../src/admin/commands/shell-user.js'
import { readAudit } from '../_lists.js'
import { documentOf, openShell } from './_shell.js'

const [one, two, three] = [makeKey(), makeKey(), makeKey()]
const NEXT = 'a running service picks this up within 2 s\n'
const NOTHING = 'nothing had to be changed\n'

interface ListDocument {
  pubkeys: string[]
  meta?: Record<string, object>
  banned?: Record<string, object>
}

async function openList(list?: object) {
  const shell = await openShell(list)
  const document = async () => JSON.parse(await shell.text()) as ListDocument
  return { ...shell, document, audit: () => readAudit(join(shell.folder, 'audit.jsonl')) }
}

describe('add', () => {
  it('adds keys as they were given, with what is said about them', async () => {
    const { run, document, audit } = await openList({ pubkeys: [three.hex], more: [1] })
    const args = ['--label', 'the laptop', '--reason=moved', '--expires', '2999-12-31']
    expect(await run(['add', one.nprofile, two.hex.toUpperCase(), three.npub, ...args])).toEqual({
      code: 0,
      stdout: `${one.npub}  added\n${two.npub}  added\n${three.npub}  updated\n` + NEXT,
      stderr: '',
    })
    const said = { label: 'the laptop', reason: 'moved', expires_at: '2999-12-31T00:00:00Z' }
    const added = { ...said, added_by: shellUser(), added_at: expect.any(String) as string }
    expect(await document()).toEqual({
      pubkeys: [three.hex, one.npub, two.hex],
      more: [1],
      meta: { [one.hex]: added, [two.hex]: added, [three.hex]: said },
    })
    expect(await audit()).toMatchObject([
      { who: shellUser(), action: 'allow', pubkey: one.hex, why: 'moved' },
      { who: shellUser(), action: 'allow', pubkey: two.hex },
      { who: shellUser(), action: 'allow', pubkey: three.hex, did: ['updated'] },
    ])
  })

  it('does nothing where nothing has to be done', async () => {
    const { run, text, folder } = await openList({ pubkeys: [one.npub] })
    const before = await text()
    expect(await run(['add', one.hex])).toEqual({
      code: 0,
      stdout: `${one.npub}  already listed\n${NOTHING}`,
      stderr: '',
    })
    expect(await text()).toBe(before)
    expect(await readdir(folder)).toEqual(['whitelist.json'])
  })

  it('lifts bans', async () => {
    const { run, document } = await openList({
      pubkeys: [two.hex],
      banned: { [one.hex]: {}, [two.hex]: {} },
    })
    const { stdout } = await run(['add', one.npub, two.npub])
    expect(stdout).toBe(`${one.npub}  ban lifted, added\n${two.npub}  ban lifted\n${NEXT}`)
    expect((await document()).banned).toEqual({})
  })

  it('says what it did as JSON', async () => {
    const { run } = await openList({ pubkeys: [two.hex] })
    const result = await run(['add', one.hex, two.hex, '--json'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const document = documentOf(result)
    expect(document).toEqual({
      changed: true,
      version_before: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      version_after: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      results: [
        { pubkey: one.hex, npub: one.npub, changed: true, deeds: ['added'] },
        { pubkey: two.hex, npub: two.npub, changed: false, deeds: [] },
      ],
    })
    expect(document['version_after']).not.toBe(document['version_before'])
  })

  it('creates a list that is not there', async () => {
    const { run, document, path } = await openList()
    expect(await run(['add', one.npub])).toEqual({
      code: 0,
      stdout: `${one.npub}  added\n${NEXT}`,
      stderr: `${path} was not there: created it\n`,
    })
    expect((await document()).pubkeys).toEqual([one.npub])
  })

  it('can not create it where there is no folder', async () => {
    const { run, folder } = await openList()
    const env = { WHITELIST_FILE: join(folder, 'none', 'whitelist.json') }
    const { code, stderr } = await run(['add', one.npub], { env })
    expect(code).toBe(3)
    expect(stderr).toMatch(
      /the file is not there and can't be created \(ENOENT\): create it, or set/,
    )
  })

  it('warns of keys that nobody should let in', async () => {
    const { run } = await openList({ pubkeys: [] })
    const known = 'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9'
    const { code, stdout, stderr } = await run(['add', known, '--json'])
    expect(code).toBe(0)
    expect(stdout).toContain('"added"')
    expect(stderr).toBe(
      `warning: ${formatNpub(known)}: its secret key is published (secret key 3), ` +
        'so anybody can use it: take it out\n',
    )
  })

  it.each([
    [['--expires', 'soon'], /--expires must be a time like/],
    [['--expires', '2020-01-01'], /--expires must be in the future/],
    [['--label', 'x'.repeat(201)], /--label must have at most 200 characters/],
    [['--reason', 'x'.repeat(501)], /--reason must have at most 500 characters/],
    [['--label', one.nsec], /an argument holds a SECRET key/],
    [['hunter2'], /key 2: not a Nostr public key/],
    [[two.nsec], /an argument holds a SECRET key/],
  ])('refuses %j with code 2, and changes nothing', async (args, message) => {
    const { run, document } = await openList({ pubkeys: [] })
    const { code, stdout, stderr } = await run(['add', one.hex, '--json', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/hunter2|nsec1/)
    expect(await document()).toEqual({ pubkeys: [] })
  })
})

describe('remove', () => {
  it('removes every spelling, and leaves a ban', async () => {
    const { run, document } = await openList({
      pubkeys: [one.hex, two.hex, one.npub],
      meta: { [one.hex]: { label: 'a' } },
      banned: { [three.hex]: {} },
    })
    expect(await run(['remove', one.nprofile, three.hex])).toEqual({
      code: 0,
      stdout: `${one.npub}  removed\n${three.npub}  was not listed\n${NEXT}`,
      stderr: '',
    })
    expect(await document()).toEqual({
      pubkeys: [two.hex],
      meta: {},
      banned: { [three.hex]: {} },
    })
  })

  it('writes the reason down in the audit log alone', async () => {
    const { run, text, audit } = await openList({ pubkeys: [one.hex, two.hex] })
    expect((await run(['remove', one.hex, '--reason', 'sold'])).code).toBe(0)
    expect((await run(['remove', two.hex])).code).toBe(0)
    expect(await text()).not.toContain('sold')
    const [first, second] = await audit()
    expect(first).toMatchObject({ action: 'unallow', pubkey: one.hex, why: 'sold' })
    expect(second).not.toHaveProperty('why')
  })

  it('creates no list', async () => {
    const { run, folder } = await openList()
    expect((await run(['remove', one.hex])).code).toBe(3)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('ban and unban', () => {
  it('bans keys, listed or not', async () => {
    const { run, document } = await openList({ pubkeys: [one.npub, two.hex] })
    const { code, stdout } = await run(['ban', one.hex, three.hex, '--reason', 'sold'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      `${one.npub}  banned, removed from the list\n${three.npub}  banned\n${NEXT}`,
    )
    const { pubkeys, banned } = await document()
    expect(pubkeys).toEqual([two.hex])
    expect(banned).toMatchObject({
      [one.hex]: { reason: 'sold', banned_by: shellUser() },
      [three.hex]: { reason: 'sold' },
    })
  })

  it('says what was so already', async () => {
    const { run } = await openList({ pubkeys: [two.hex], banned: { [one.hex]: {}, [two.hex]: {} } })
    expect((await run(['ban', one.hex])).stdout).toBe(`${one.npub}  already banned\n${NOTHING}`)
    expect((await run(['ban', one.hex, two.hex, '--reason', 'x'])).stdout).toBe(
      `${one.npub}  already banned, reason updated\n` +
        `${two.npub}  already banned, reason updated, removed from the list\n${NEXT}`,
    )
  })

  it('lifts bans, and no more', async () => {
    const { run, document } = await openList({ pubkeys: [], banned: { [one.hex]: {} } })
    expect((await run(['unban', one.npub, two.npub])).stdout).toBe(
      `${one.npub}  ban lifted\n${two.npub}  was not banned\n${NEXT}`,
    )
    expect(await document()).toEqual({ pubkeys: [], banned: {} })
  })

  it('writes down why a ban is lifted in the audit log alone', async () => {
    const { run, text, audit } = await openList({ pubkeys: [], banned: { [one.hex]: {} } })
    expect((await run(['unban', one.hex, '--reason=a mistake'])).code).toBe(0)
    expect(await text()).not.toContain('mistake')
    expect(await audit()).toMatchObject([{ action: 'unban', pubkey: one.hex, why: 'a mistake' }])
  })

  it.each(['remove', 'unban'])('refuses a reason that is too long for %s', async (name) => {
    const { run } = await openList({ pubkeys: [one.hex], banned: { [two.hex]: {} } })
    const { code, stderr } = await run([name, one.hex, '--reason', 'x'.repeat(501)])
    expect(code).toBe(2)
    expect(stderr).toContain('--reason must have at most 500 characters')
  })

  it('creates a list for a ban', async () => {
    const { run, document } = await openList()
    expect((await run(['ban', one.hex])).code).toBe(0)
    expect(Object.keys((await document()).banned ?? {})).toEqual([one.hex])
  })
})

describe('a change that can not be printed', () => {
  const list = { pubkeys: [one.hex], banned: { [two.hex]: {} } }

  it.each([
    ['add', three],
    ['remove', one],
    ['ban', three],
    ['unban', two],
  ])('is made, and told so with a code of its own: %s', async (name, key) => {
    const { run, text, audit } = await openList(list)
    const before = await text()
    expect(await run([name, key.hex], { isFull: true })).toEqual({
      code: 4,
      stdout: '',
      stderr: "whitelist-service: the change was made, but the output can't be written (ENOSPC)\n",
    })
    expect(await text()).not.toBe(before)
    expect(await audit()).toMatchObject([{ pubkey: key.hex }])
  })

  it('may be none', async () => {
    const { run } = await openList(list)
    expect(await run(['add', one.hex, '--json'], { isFull: true })).toMatchObject({
      code: 4,
      stderr:
        "whitelist-service: nothing had to be changed, but the output can't be written (ENOSPC)\n",
    })
  })
})

describe('a change', () => {
  it('reads keys from standard input, all in one go', async () => {
    const { run, document, audit } = await openList({ pubkeys: [] })
    const input = `# mine\n${one.npub} # the first\n\n${two.hex}\r\n`
    expect((await run(['add', '-'], { input })).code).toBe(0)
    expect((await document()).pubkeys).toEqual([one.npub, two.hex])
    const [first, second] = await audit()
    expect(first?.version_after).toBe(second?.version_after)
  })

  it('is refused as a whole where one line is no key', async () => {
    const { run, document } = await openList({ pubkeys: [] })
    const { code, stderr } = await run(['add', '-'], { input: `${one.npub}\n${two.nsec}\n` })
    expect(code).toBe(2)
    expect(stderr).toMatch(/line 2 of standard input: this is a SECRET key.*treat it as leaked/)
    expect(stderr).not.toContain('nsec1')
    expect(await document()).toEqual({ pubkeys: [] })
  })

  it('ends with 3 where the list is no list', async () => {
    const { run } = await openList({ pubkeys: 7 })
    const { code, stdout, stderr } = await run(['add', one.hex, '--json'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^whitelist-service: .*must be an array.*; nothing was changed\n$/)
  })

  it('ends with 3 where the list may not be written', async () => {
    const { run, path } = await openList({ pubkeys: [] })
    await chmod(path, 0o444)
    const { code, stderr } = await run(['add', one.hex])
    expect(code).toBe(3)
    expect(stderr).toContain('read-only')
  })

  it('ends with 3 where the list is a symbolic link, or a directory', async () => {
    const { run, folder, path } = await openList({ pubkeys: [] })
    await symlink(path, join(folder, 'link.json'))
    await mkdir(join(folder, 'directory.json'))
    for (const [name, why] of [
      ['link.json', 'symbolic link'],
      ['directory.json', 'directory'],
    ] as const) {
      const { code, stderr } = await run(['add', one.hex], {
        env: { WHITELIST_FILE: join(folder, name) },
      })
      expect(code).toBe(3)
      expect(stderr).toContain(why)
    }
  })

  it('writes to the audit log that is configured', async () => {
    const { run, folder } = await openList({ pubkeys: [] })
    const auditFile = join(folder, 'changes.jsonl')
    await run(['add', one.hex], { env: { AUDIT_FILE: auditFile } })
    expect(await readFile(auditFile, 'utf8')).toContain(one.hex)
  })
})
