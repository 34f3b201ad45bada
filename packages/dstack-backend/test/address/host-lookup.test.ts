import { describe, expect, it } from 'vitest'
import { createHostLookup } from '../../src/address/host-lookup.js'

type Found = { address: string; family: number }[]

/** A name service that answers when the test says so, and a timer that rings when the test says so. */
function setup(host = 'registry.example') {
  const asked: { resolve: (found: Found) => void; reject: (error: Error) => void }[] = []
  const timers: { ring: () => void; ms: number }[] = []
  const lookup = () => new Promise<Found>((resolve, reject) => void asked.push({ resolve, reject }))
  const addresses = createHostLookup(host, lookup, (ring, ms) => {
    timers.push({ ring, ms })
    return () => undefined
  })
  return { addresses, asked, timers }
}

const V4 = { address: '10.0.0.1', family: 4 }
const V6 = { address: '2001:db8::1', family: 6 }

describe('createHostLookup', () => {
  it.each(['10.0.0.1', '2001:db8::1'])('asks nobody about %s', async (host) => {
    const { addresses, asked } = setup(host)
    expect(await addresses()).toEqual([host])
    expect(asked).toHaveLength(0)
  })

  it('resolves localhost as the system does', async () => {
    const found = await createHostLookup('localhost')()
    expect(['127.0.0.1', '::1']).toContain(found[0])
  })

  it('knows no address of a name that does not resolve', async () => {
    const { addresses, asked } = setup()
    const found = addresses()
    asked[0]?.reject(new Error('ENOTFOUND'))
    expect(await found).toEqual([])
  })

  it('takes the first of each family, IPv4 before IPv6', async () => {
    const { addresses, asked } = setup()
    const found = addresses()
    asked[0]?.resolve([V6, V4, { address: '10.0.0.2', family: 4 }])
    expect(await found).toEqual([V4.address, V6.address])
  })

  it('waits a second for the first look-up, and no longer', async () => {
    const { addresses, timers, asked } = setup()
    const found = addresses()
    expect(timers.map(({ ms }) => ms)).toEqual([1_000])
    timers[0]?.ring()
    expect(await found).toEqual([])
    expect(asked).toHaveLength(1)
  })

  it('has one look-up at a time, and waits for one that hangs only once', async () => {
    const { addresses, timers, asked } = setup()
    const first = addresses()
    timers[0]?.ring()
    await first
    expect(await addresses()).toEqual([])
    expect([asked.length, timers.length]).toEqual([1, 1])
  })

  it('knows what a look-up brought later', async () => {
    const { addresses, timers, asked } = setup()
    const first = addresses()
    timers[0]?.ring()
    await first
    asked[0]?.resolve([V4])
    await new Promise(setImmediate)
    expect(await addresses()).toEqual([V4.address])
  })

  it('looks again without a wait, and knows it the time after', async () => {
    const { addresses, asked } = setup()
    const first = addresses()
    asked[0]?.resolve([V4])
    await first
    expect(await addresses()).toEqual([V4.address])
    asked[1]?.resolve([V6])
    await new Promise(setImmediate)
    expect(await addresses()).toEqual([V6.address])
  })

  it('keeps what it knows when the name stops resolving', async () => {
    const { addresses, asked } = setup()
    const first = addresses()
    asked[0]?.resolve([V4])
    await first
    await addresses()
    asked[1]?.reject(new Error('EAI_AGAIN'))
    await new Promise(setImmediate)
    expect(await addresses()).toEqual([V4.address])
  })
})
