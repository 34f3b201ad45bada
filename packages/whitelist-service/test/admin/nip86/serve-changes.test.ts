import { describe, expect, it, vi } from 'vitest'
import { ChangeError } from '../../../src/admin/change-error.js'
import { MethodError } from '../../../src/admin/nip86/method-error.js'
import { createServedWrites } from '../../../src/admin/nip86/serve-changes.js'
import type { AllowlistFile, AllowlistState } from '../../../src/allowlist-file.js'
import { makeServer } from '../../_server.js'

const NOW_MS = 1_800_000_000_123
const RESULT = { effects: [], versionBefore: 'a', versionAfter: 'a' }

async function setUp(problem?: string) {
  const { state } = await makeServer([])
  const order: string[] = []
  const served: AllowlistState = { ...state, problem }
  const file: AllowlistFile = {
    state: () => served,
    reload: async () => void order.push('reload'),
    close: () => undefined,
  }
  const change = vi.fn(async () => {
    order.push('change')
    return RESULT
  })
  const paths = { path: '/list', auditFile: '/audit' }
  const write = createServedWrites({ file, change, ...paths, clock: { nowMs: () => NOW_MS } })
  return { write, change, order, paths }
}

describe('createServedWrites', () => {
  it('changes the list, then has it read again', async () => {
    const { write, change, order, paths } = await setUp()
    const changes = [{ action: 'unban', pubkey: 'a' } as const]
    await write(changes, 'me')
    expect(order).toEqual(['change', 'reload'])
    const request = { ...paths, changes, by: 'me', now: new Date(NOW_MS) }
    expect(change).toHaveBeenCalledExactlyOnceWith(request)
  })

  it('says so where the changed list is not served', async () => {
    const { write } = await setUp('/list: it is a directory')
    await expect(write([], 'me')).rejects.toThrow(MethodError)
    await expect(write([], 'me')).rejects.toThrow(
      "it is in the file, but the service can't load that: /list: it is a directory",
    )
  })

  it('throws what the writer throws, with nothing read', async () => {
    const { write, change, order } = await setUp()
    change.mockRejectedValueOnce(new ChangeError('no_space', 'full'))
    await expect(write([], 'me')).rejects.toThrow(ChangeError)
    expect(order).toEqual([])
  })
})
