import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { sourceAddress } from '../../src/address/source-address.js'

const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
const hasIPv6 = own.some(({ address }) => address === '::1')

describe('sourceAddress', () => {
  it('is loopback towards loopback', async () => {
    expect(await sourceAddress('127.0.0.1')).toBe('127.0.0.1')
  })

  it.runIf(hasIPv6)('is loopback towards loopback of IPv6', async () => {
    expect(await sourceAddress('::1')).toBe('::1')
  })

  it("is an address of this machine towards each of the machine's own", async () => {
    const external = own.filter(({ internal, family }) => !internal && family === 'IPv4')
    for (const { address } of external) expect(await sourceAddress(address)).toBe(address)
  })

  it('is undefined where the system gives no way', async () => {
    expect(await sourceAddress('255.255.255.255')).toBeUndefined()
  })

  it('sends nothing', async () => {
    const listener = createSocket('udp4')
    let packets = 0
    listener.on('message', () => (packets += 1))
    await new Promise<void>((resolve) => listener.bind(0, '127.0.0.1', resolve))
    const { port } = listener.address()
    await sourceAddress('127.0.0.1')
    // What is sent now arrives after anything that was sent before.
    const sender = createSocket('udp4')
    const arrived = new Promise((resolve) => listener.once('message', resolve))
    sender.send('x', port, '127.0.0.1')
    await arrived
    sender.close()
    listener.close()
    expect(packets).toBe(1)
  })
})
