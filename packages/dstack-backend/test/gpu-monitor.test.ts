import { describe, expect, it } from 'vitest'
import type { GpuReading } from '../src/dstack-client.js'
import { createGpuMonitor } from '../src/gpu-monitor.js'
import { recordingLog } from './_log.js'

const GOOD: GpuReading = { ok: true, gpus: [], allowAttachAll: true }
const FAILED: GpuReading = { ok: false, failure: 'connect', detail: 'ECONNREFUSED' }

async function setup(...readings: GpuReading[]) {
  const time = { now: 0 }
  const { log, lines } = await recordingLog()
  let calls = 0
  const listGpus = async () => readings[calls++] ?? GOOD
  const read = createGpuMonitor(listGpus, log, () => time.now)
  return { time, lines, read, calls: () => calls }
}

describe('createGpuMonitor', () => {
  it('lets a good reading serve for 2 s', async () => {
    const { time, read, calls } = await setup(GOOD)
    await read()
    time.now = 1_999
    await read()
    expect(calls()).toBe(1)
    time.now = 2_000
    await read()
    expect(calls()).toBe(2)
  })

  it('lets a failed reading serve for 1 s', async () => {
    const { time, read, calls } = await setup(FAILED)
    expect(await read()).toBe(FAILED)
    time.now = 999
    expect(await read()).toBe(FAILED)
    expect(calls()).toBe(1)
    time.now = 1_000
    expect(await read()).toBe(GOOD)
  })

  it('logs when the outcome changes, and not when it stays', async () => {
    const { time, read, lines } = await setup(FAILED, FAILED, GOOD, GOOD, FAILED)
    for (const now of [0, 10_000, 20_000, 30_000, 40_000]) {
      time.now = now
      await read()
    }
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect(messages).toEqual(['DStack does not answer', 'DStack answers', 'DStack does not answer'])
  })
})
