import { mkdir } from 'node:fs/promises'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { documentOf, openShell } from './_shell.js'

const [one, two] = [makeKey(), makeKey()]

describe('lint', () => {
  it('ends with 0 where nothing is doubtful', async () => {
    const { run, path } = await openShell({ pubkeys: [one.npub] })
    expect(await run(['lint'])).toEqual({
      code: 0,
      stdout: `${path}: 1 entry, nothing is doubtful\n`,
      stderr: '',
    })
    expect(documentOf(await run(['lint', '--json']))).toEqual({
      ...{ file: path, loads: true, entries: 1, findings: [] },
    })
  })

  it('explains what is doubtful, aligned', async () => {
    const { run, path } = await openShell({
      pubkeys: [one.npub, 'x', one.hex],
      meta: { [two.hex]: {} },
    })
    expect(await run(['lint'])).toEqual({
      code: 1,
      stdout:
        'line 4  entry 1  unknown_form  not a Nostr public key: use npub1…, nprofile1… or 64 hex ' +
        'digits; it matches only a question to /api/whitelist spelled exactly so: mend it, or take it ' +
        'out\n' +
        'line 5  entry 2  duplicate     the same key as entry 0 (line 3), in another spelling: ' +
        'keep one of them\n' +
        'line 8  meta     not_listed    it is about a key that is not on the list, and means ' +
        'nothing: remove that key\n' +
        `${path}: 3 entries, 3 findings\n`,
      stderr: '',
    })
  })

  it('says where the service would not load it', async () => {
    const { run, path } = await openShell({ pubkeys: [one.nsec] })
    const { code, stdout } = await run(['lint'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^line 3 {2}entry 0 {2}secret_key {2}this is a SECRET key/)
    expect(stdout).toContain(`${path}: 1 entry, 1 finding; the service does not load this file\n`)
    expect(stdout).not.toContain('nsec1')
  })

  it('says all that as JSON', async () => {
    const { run } = await openShell({ pubkeys: [one.npub, one.hex, two.nsec] })
    const result = await run(['lint', '--json'])
    expect(result).toMatchObject({ code: 1, stderr: '' })
    expect(result.stdout).not.toContain('nsec1')
    expect(documentOf(result)).toMatchObject({
      loads: false,
      entries: 3,
      findings: [
        {
          ...{ code: 'duplicate', fatal: false, field: 'pubkeys', index: 1, line: 4 },
          ...{ pubkey: one.hex, message: expect.stringContaining('entry 0 (line 3)') as string },
        },
        { code: 'secret_key', fatal: true, field: 'pubkeys', index: 2, line: 5 },
      ],
    })
  })

  it('takes a file that is no list for a finding', async () => {
    const { run, path } = await openShell('{"pubkeys": [}')
    expect(await run(['lint'])).toEqual({
      code: 1,
      stdout:
        'file    not_a_list  the file is not valid JSON: look at line 1, column 14, and just before it\n' +
        `${path}: 0 entries, 1 finding; the service does not load this file\n`,
      stderr: '',
    })
  })

  it('ends with 3 for a file that can not be read', async () => {
    const { run, path } = await openShell()
    await mkdir(path)
    expect(await run(['lint', '--json'])).toMatchObject({ code: 3, stdout: '' })
  })

  it('shows a person, and nobody else, that it goes on', async () => {
    const { run } = await openShell({ pubkeys: Array.from({ length: 60_000 }, () => '') })
    const seen = await run(['lint', '--json'], { isTerminal: true })
    expect(seen.stderr).toBe('\r50,000 entries checked \r60,000 entries checked \n')
    const unseen = await run(['lint', '--json'])
    expect(unseen).toEqual({ ...seen, stderr: '' })
  })

  it('wants no arguments', async () => {
    const { run } = await openShell({ pubkeys: [] })
    expect((await run(['lint', one.hex])).code).toBe(2)
  })
})
