import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createOwner } from '../../../src/admin/writing/lock-owner.js'
import { createLockWatch } from '../../../src/admin/writing/lock-watch.js'

function watchAt(staleMs: number) {
  let ms = 0
  const isAbandoned = createLockWatch(staleMs, () => ms)
  return {
    at: (time: number, stamp: string, identity?: string) => {
      ms = time
      return isAbandoned({ stamp, identity })
    },
  }
}

describe('createLockWatch', () => {
  it('takes a lock for abandoned when nothing about it changed for long', async () => {
    const { at } = watchAt(15)
    expect(await at(1000, 'a')).toBe(false)
    expect(await at(1014, 'a')).toBe(false)
    expect(await at(1015, 'a')).toBe(true)
  })

  it('begins anew whenever its owner gives a sign of life', async () => {
    const { at } = watchAt(15)
    expect(await at(0, 'a')).toBe(false)
    expect(await at(14, 'b')).toBe(false)
    expect(await at(28, 'b')).toBe(false)
    expect(await at(100, 'c')).toBe(false)
    expect(await at(115, 'c')).toBe(true)
  })

  it.skipIf(process.platform !== 'linux')('knows at once that its process is gone', async () => {
    const owner = { ...(await createOwner()), pid: spawnSync('true').pid }
    expect(await watchAt(15).at(0, 'a', JSON.stringify(owner))).toBe(true)
    const elsewhere = { ...owner, place: 'elsewhere' }
    expect(await watchAt(15).at(0, 'a', JSON.stringify(elsewhere))).toBe(false)
  })
})
