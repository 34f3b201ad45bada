import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it, vi } from 'vitest'
import { readList, settle } from '../../../src/admin/commands/read-list.js'
import { ChangingFileError } from '../../../src/list/allowlist-reader.js'
import { openShell } from './_shell.js'

const one = makeKey()

describe('settle', () => {
  it('asks once where the answer is final', async () => {
    const ask = vi.fn(async () => 'yes')
    expect(await settle(ask, () => true)).toBe('yes')
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('asks again where it is not, or where the file was being written', async () => {
    const ask = vi.fn(async () => 'yes')
    ask.mockRejectedValueOnce(new ChangingFileError('it is being written right now'))
    ask.mockResolvedValueOnce('no')
    expect(await settle(ask, (answer) => answer === 'yes')).toBe('yes')
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('takes the third answer as it is', async () => {
    const ask = vi.fn(async () => 'no')
    expect(await settle(ask, () => false)).toBe('no')
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it('does not ask again after another error', async () => {
    const ask = vi.fn(() => Promise.reject(new Error('broken')))
    await expect(settle(ask, () => true)).rejects.toThrow('broken')
    expect(ask).toHaveBeenCalledTimes(1)
  })
})

describe('a command', () => {
  it('is not stopped by a variable that only the service needs', async () => {
    const { run } = await openShell({ pubkeys: [one.npub] })
    const env = { LISTEN_ADDR: 'x', LOG_LEVEL: 'x', TRUSTED_PROXIES: 'x', PUBLIC_URL: 'x' }
    for (const args of [['check', one.hex], ['list'], ['lint'], ['add', one.hex]]) {
      expect(await run(args, { env })).toMatchObject({ code: 0, stderr: '' })
    }
  })
})

describe('a command where there is no list', () => {
  it.each([
    ['check', [one.hex], ''],
    ['list', [], ''],
    ['list', ['--banned'], ''],
    ['lint', ['--json'], ''],
    ['remove', [one.hex], '; nothing was changed'],
    ['unban', [one.hex], '; nothing was changed'],
  ])('says what to do, ends with 3 and makes none: %s %j', async (name, args, end) => {
    const { run, folder, path } = await openShell()
    const why =
      'the file is not there: put it back, or set WHITELIST_FILE; the command add creates one'
    for (const missing of [path, join(folder, 'none', 'whitelist.json')]) {
      expect(await run([name, ...args], { env: { WHITELIST_FILE: missing } })).toEqual({
        ...{ code: 3, stdout: '' },
        stderr: `whitelist-service: ${missing}: ${why}${end}\n`,
      })
    }
    expect(await readdir(folder)).toEqual([])
  })
})

describe('readList', () => {
  it('reads the list on the disk', async () => {
    const { path } = await openShell({ pubkeys: [makeKey().npub] })
    expect((await readList(path)).keys.size).toBe(1)
  })

  it('tells how to make one that is not there', async () => {
    const { path } = await openShell()
    await expect(readList(path)).rejects.toThrow(
      `${path}: the file is not there: put it back, or set WHITELIST_FILE; the command add creates one`,
    )
  })
})
