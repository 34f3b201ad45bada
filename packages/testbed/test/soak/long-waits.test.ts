import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { shortenLongWaits } from '../../src/soak/long-waits.js'

function setup() {
  const waits: unknown[] = []
  const original = Object.assign(
    vi.fn((_callback: () => void, milliseconds?: number) => waits.push(milliseconds)),
    { [promisify.custom]: () => 'a promise' },
  )
  const target = { setTimeout: original as unknown as typeof setTimeout }
  shortenLongWaits(target)
  return { target, waits, original }
}

describe('shortenLongWaits', () => {
  it('lets ten minutes pass in six seconds', () => {
    const { target, waits } = setup()
    target.setTimeout(() => undefined, 600_000)
    expect(waits).toEqual([6_000])
  })

  it('leaves the others as they are, with all that they are given', () => {
    const { target, waits, original } = setup()
    const callback = () => undefined
    target.setTimeout<[string]>(callback, 30_000, 'more')
    target.setTimeout(callback)
    expect(waits).toEqual([30_000, 0])
    expect(original).toHaveBeenCalledWith(callback, 30_000, 'more')
  })

  it("keeps Node's form of it that gives a promise", () => {
    const { target } = setup()
    expect(Reflect.get(target.setTimeout, promisify.custom)).toBeTypeOf('function')
  })
})
