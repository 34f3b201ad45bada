import { describe, expect, it } from 'vitest'
import { createSnapshot } from '../src/snapshot.js'

function setup() {
  const time = { now: 1_000 }
  const waiting: ((value: number) => void)[] = []
  const load = () => new Promise<number>((resolve) => waiting.push(resolve))
  const { read, fresh } = createSnapshot(
    load,
    (value) => value,
    () => time.now,
  )
  return { time, waiting, read, fresh }
}

describe('createSnapshot', () => {
  it('calls nothing before somebody asks', () => {
    expect(setup().waiting).toHaveLength(0)
  })

  it('lets everybody who asks meanwhile wait for the same call', async () => {
    const { read, waiting } = setup()
    const reads = Array.from({ length: 500 }, read)
    waiting[0]?.(10)
    expect(new Set(await Promise.all(reads))).toEqual(new Set([10]))
    expect(waiting).toHaveLength(1)
  })

  it('serves a result for as long as the result says, counted from when it came', async () => {
    const { read, waiting, time } = setup()
    const first = read()
    time.now += 5_000
    waiting[0]?.(10)
    await first
    time.now += 9
    expect(await read()).toBe(10)
    time.now += 1
    const second = read()
    waiting[1]?.(20)
    expect(await second).toBe(20)
  })

  it('gives at once what serves still, and nothing while one would have to wait', async () => {
    const { read, fresh, waiting, time } = setup()
    expect(fresh()).toBeUndefined()
    const first = read()
    expect(fresh()).toBeUndefined()
    waiting[0]?.(10)
    await first
    expect(fresh()).toBe(10)
    time.now += 9
    expect(fresh()).toBe(10)
    time.now += 1
    expect(fresh()).toBeUndefined()
    expect(waiting).toHaveLength(1)
  })
})
