import { readFile, rename, writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { changeAllowlist } from '../../../src/admin/change-allowlist.js'
import { ChangeError } from '../../../src/admin/change-error.js'
import { MethodError } from '../../../src/admin/nip86/method-error.js'
import { createServedWrites } from '../../../src/admin/nip86/serve-changes.js'
import {
  openAllowlistFile,
  type AllowlistFile,
  type AllowlistState,
} from '../../../src/list/allowlist-file.js'
import { readAllowlist } from '../../../src/list/allowlist-reader.js'
import { recordLog } from '../../_log.js'
import { makeServer } from '../../_server.js'
import { canMount, mountFile } from '@dstack-node/testbed/test-tools/mounts'
import { EMPTY, makeList, refusalOf } from '../_lists.js'

const NOW_MS = 1_800_000_000_123
const RESULT = { effects: [], versionBefore: 'a', versionAfter: 'a' }

async function setUp(problem?: string, isReplaced = false) {
  const { state } = await makeServer([])
  const order: string[] = []
  const served: AllowlistState = { ...state, problem }
  const file: AllowlistFile = {
    state: () => served,
    reload: async () => void order.push('reload'),
    wasReplacedOutside: async () => isReplaced,
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

  it('writes nothing where the list was replaced outside', async () => {
    const { write, order } = await setUp(undefined, true)
    expect(await refusalOf(write([], 'me'))).toBe(
      'replaced: /list: it was replaced outside this container, which still has the old one: ' +
        'restart the container first; nothing was changed',
    )
    expect(order).toEqual([])
  })

  it.skipIf(!canMount)('spares a backup that is all that the container sees', async () => {
    const [inside, outside] = [await makeList(), await makeList()]
    mountFile(outside.path, inside.path)
    const { log } = await recordLog()
    const file = await openAllowlistFile({ ...inside, read: readAllowlist, log })
    onTestFinished(file.close)
    const clock = { nowMs: () => NOW_MS }
    const write = createServedWrites({ file, change: changeAllowlist, ...inside, clock })
    const changes = [{ action: 'allow', pubkey: 'ab'.repeat(32) } as const]
    await write(changes, 'me')
    const backup = `${outside.path}~`
    await rename(outside.path, backup)
    await writeFile(outside.path, EMPTY)
    const before = await readFile(backup, 'utf8')
    const undo = [{ action: 'unallow', pubkey: 'ab'.repeat(32) } as const]
    expect(await refusalOf(write(undo, 'me'))).toMatch(/^replaced: /)
    expect(await readFile(backup, 'utf8')).toBe(before)
    expect(await inside.audit()).toHaveLength(1)
  })

  it('throws what the writer throws, with nothing read', async () => {
    const { write, change, order } = await setUp()
    change.mockRejectedValueOnce(new ChangeError('no_space', 'full'))
    await expect(write([], 'me')).rejects.toThrow(ChangeError)
    expect(order).toEqual([])
  })
})
