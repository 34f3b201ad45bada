import { describe, expect, it, vi } from 'vitest'
import { changeAllowlist } from '../../../src/admin/change-allowlist.js'
import { createChangeQueue, type WriteChanges } from '../../../src/admin/nip86/change-queue.js'
import type { Change } from '../../../src/admin/change.js'
import { MethodError } from '../../../src/admin/nip86/method-error.js'
import { makeList } from '../_lists.js'

const change = (pubkey: string): Change => ({ action: 'allow', pubkey })

/** A writer that ends each write when it is told to, with an error or without. */
function holdWrites() {
  const ends: ((error?: Error) => void)[] = []
  const write = vi.fn<WriteChanges>(
    () =>
      new Promise<void>((resolve, reject) => {
        ends.push((error) => {
          if (error) reject(error)
          else resolve()
        })
      }),
  )
  return { write, end: (error?: Error) => ends.shift()?.(error) }
}

const written = ({ write }: ReturnType<typeof holdWrites>) =>
  write.mock.calls.map(([changes, by]) => `${by}: ${changes.map(({ pubkey }) => pubkey).join(' ')}`)

describe('createChangeQueue', () => {
  it('writes one after the other, and together what has come meanwhile', async () => {
    const held = holdWrites()
    const submit = createChangeQueue(held)
    const first = submit(change('a'), 'x')
    const second = submit(change('b'), 'x')
    const third = submit(change('c'), 'x')
    expect(written(held)).toEqual(['x: a'])
    held.end()
    await first
    await vi.waitUntil(() => written(held).length === 2)
    expect(written(held)).toEqual(['x: a', 'x: b c'])
    held.end()
    await Promise.all([second, third])
    const fourth = submit(change('d'), 'x')
    held.end()
    await fourth
    expect(written(held)).toEqual(['x: a', 'x: b c', 'x: d'])
  })

  it('keeps authors apart, and the order', async () => {
    const held = holdWrites()
    const submit = createChangeQueue(held)
    const all = ['x', 'x', 'y', 'y', 'x'].map((by, index) => submit(change(String(index)), by))
    for (let count = 1; count <= 4; count += 1) {
      await vi.waitUntil(() => written(held).length === count)
      held.end()
    }
    await Promise.all(all)
    expect(written(held)).toEqual(['x: 0', 'x: 1', 'y: 2 3', 'x: 4'])
  })

  it('writes changes of one key one after the other: each is to last, if only for a moment', async () => {
    const held = holdWrites()
    const submit = createChangeQueue(held)
    const all = ['a', 'b', 'c', 'b', 'b', 'd'].map((pubkey) => submit(change(pubkey), 'x'))
    for (let count = 1; count <= 4; count += 1) {
      await vi.waitUntil(() => written(held).length === count)
      held.end()
    }
    await Promise.all(all)
    expect(written(held)).toEqual(['x: a', 'x: b c', 'x: b', 'x: b d'])
  })

  it('leaves a line in the audit log for each of two that undo each other', async () => {
    const list = await makeList()
    const submit = createChangeQueue({
      write: async (changes, by) => {
        await changeAllowlist({ ...list, changes, by, now: new Date() })
      },
    })
    const [first, key] = ['01'.repeat(32), '02'.repeat(32)]
    const undone: Change = { action: 'unallow', pubkey: key }
    await Promise.all([change(first), change(key), undone].map((each) => submit(each, 'x')))
    const lines = (await list.audit()).map(({ action, pubkey }) => [action, pubkey])
    expect(lines).toEqual([
      ['allow', first],
      ['allow', key],
      ['unallow', key],
    ])
  })

  it('tells all whose write failed, and goes on', async () => {
    const held = holdWrites()
    const submit = createChangeQueue(held)
    const first = submit(change('a'), 'x')
    const others = [submit(change('b'), 'x'), submit(change('c'), 'x')]
    held.end(new Error('full'))
    await expect(first).rejects.toThrow('full')
    await vi.waitUntil(() => written(held).length === 2)
    const last = submit(change('d'), 'x')
    held.end(new Error('still full'))
    for (const other of others) await expect(other).rejects.toThrow('still full')
    await vi.waitUntil(() => written(held).length === 3)
    held.end()
    await last
  })

  it('refuses a change where 1,000 are waiting', async () => {
    const held = holdWrites()
    const submit = createChangeQueue(held)
    const accepted = Array.from({ length: 1001 }, (_, index) => submit(change(String(index)), 'x'))
    const refused = async () => submit(change('one more'), 'x')
    await expect(refused()).rejects.toThrow(MethodError)
    await expect(refused()).rejects.toThrow('too many changes are waiting')
    held.end()
    await vi.waitUntil(() => written(held).length === 2)
    const later = submit(change('later'), 'x')
    held.end()
    await vi.waitUntil(() => written(held).length === 3)
    held.end()
    await Promise.all([...accepted, later])
  })
})
