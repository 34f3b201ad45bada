import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it, vi } from 'vitest'
import { readList, settle } from '../../../src/admin/commands/read-list.js'
import { ChangingFileError } from '../../../src/allowlist-reader.js'
import { openShell } from './_shell.js'

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

describe('readList', () => {
  it('reads the list on the disk', async () => {
    const { path } = await openShell({ pubkeys: [makeKey().npub] })
    expect((await readList(path)).keys.size).toBe(1)
  })

  it('tells how to make one that is not there', async () => {
    const { path } = await openShell()
    await expect(readList(path)).rejects.toThrow(
      `${path}: the file is not there: put it back; the command add creates one`,
    )
  })
})
