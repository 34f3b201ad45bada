import { describe, expect, it, vi } from 'vitest'
import { createRecoveringReader } from '../../../src/admin/writing/recovering-reader.js'
import type { AllowlistReading } from '../../../src/list/allowlist-reader.js'
import { parseAllowlist } from '../../../src/list/allowlist.js'
import { listOf } from '../../_bytes.js'
import { recordLog } from '../../_log.js'

const LIST: AllowlistReading = { kind: 'list', hash: 'a', allowlist: parseAllowlist(listOf([])) }
const TORN: AllowlistReading = { kind: 'refused', reason: 'the file is not valid JSON' }

async function setUp(readings: AllowlistReading[], recover: () => Promise<boolean>) {
  const { log, lines } = await recordLog()
  const read = vi.fn(async () => readings.shift() ?? LIST)
  return { read: createRecoveringReader({ read, recover, log }), reads: read, lines }
}

describe('createRecoveringReader', () => {
  it('completes an interrupted change before the list is read for the first time', async () => {
    const recover = vi.fn(async () => true)
    const { read, reads, lines } = await setUp([LIST], recover)
    expect(await read('list')).toBe(LIST)
    expect(recover.mock.invocationCallOrder[0]).toBeLessThan(reads.mock.invocationCallOrder[0] ?? 0)
    expect(lines()[0]).toMatchObject({ level: 'warn' })
  })

  it('looks for none where a list that is known is read again', async () => {
    const recover = vi.fn(async () => false)
    const { read } = await setUp([{ kind: 'unchanged' }], recover)
    expect(await read('list', 'a')).toEqual({ kind: 'unchanged' })
    expect(recover).not.toHaveBeenCalled()
  })

  it('completes one where the file is no list any more, and reads it again', async () => {
    const { read } = await setUp([TORN, LIST], async () => true)
    expect(await read('list', 'a')).toBe(LIST)
  })

  it('tells what is wrong with the file where nothing was interrupted', async () => {
    const { read, reads } = await setUp([TORN], async () => false)
    expect(await read('list', 'a')).toBe(TORN)
    expect(reads).toHaveBeenCalledTimes(1)
  })

  it('says so where one can not be completed, and goes on', async () => {
    const failing = () => Promise.reject(new Error('the journal can not be read'))
    const { read, lines } = await setUp([LIST], failing)
    expect(await read('list')).toBe(LIST)
    expect(lines()[0]).toMatchObject({ level: 'error', reason: 'the journal can not be read' })
  })
})
