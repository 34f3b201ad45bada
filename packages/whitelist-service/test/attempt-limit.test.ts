import fc from 'fast-check'
import { isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createAttemptLimit } from '../src/attempt-limit.js'
import { simulateClock } from './_clock.js'

const CLIENT = '192.0.2.1'

function setUp(options: { attempts?: number; refillMs?: number; capacity?: number } = {}) {
  const clock = simulateClock()
  const limit = createAttemptLimit({ clock, ...options })
  const fail = (address: string, times: number) => {
    for (let count = 0; count < times; count += 1) limit.recordFailure(address)
  }
  return { clock, ...limit, fail }
}

describe('an attempt limit', () => {
  it('turns nobody away who has not failed', () => {
    const { isExhausted, retryAfterSeconds } = setUp()
    expect(isExhausted(CLIENT)).toBe(false)
    expect(retryAfterSeconds(CLIENT)).toBe(0)
  })

  it('allows 20 failures, and turns away from then on', () => {
    const { isExhausted, fail } = setUp()
    fail(CLIENT, 19)
    expect(isExhausted(CLIENT)).toBe(false)
    fail(CLIENT, 1)
    expect(isExhausted(CLIENT)).toBe(true)
  })

  it('gives one attempt back every 3 s', () => {
    const { clock, isExhausted, retryAfterSeconds, recordFailure, fail } = setUp()
    fail(CLIENT, 20)
    expect(retryAfterSeconds(CLIENT)).toBe(3)
    clock.pass(2.5)
    expect(retryAfterSeconds(CLIENT)).toBe(1)
    expect(isExhausted(CLIENT)).toBe(true)
    clock.pass(0.5)
    expect(retryAfterSeconds(CLIENT)).toBe(0)
    expect(isExhausted(CLIENT)).toBe(false)
    recordFailure(CLIENT)
    expect(isExhausted(CLIENT)).toBe(true)
  })

  it('gives all of them back in a minute, and not more', () => {
    const { clock, isExhausted, fail } = setUp()
    fail(CLIENT, 20)
    clock.pass(3600)
    fail(CLIENT, 19)
    expect(isExhausted(CLIENT)).toBe(false)
    fail(CLIENT, 1)
    expect(isExhausted(CLIENT)).toBe(true)
  })

  it('makes nobody wait longer for failing more', () => {
    const { retryAfterSeconds, fail } = setUp()
    fail(CLIENT, 1000)
    expect(retryAfterSeconds(CLIENT)).toBe(3)
  })

  it('keeps clients apart', () => {
    const { isExhausted, fail } = setUp()
    fail(CLIENT, 20)
    expect(isExhausted('192.0.2.2')).toBe(false)
    expect(isExhausted('2001:db8::1')).toBe(false)
    expect(isExhausted('')).toBe(false)
  })

  it('does not care where the system sets its clock', () => {
    const { clock, retryAfterSeconds, fail } = setUp()
    fail(CLIENT, 20)
    clock.jump(86_400)
    expect(retryAfterSeconds(CLIENT)).toBe(3)
    clock.jump(-172_800)
    expect(retryAfterSeconds(CLIENT)).toBe(3)
  })

  it('forgets the client whose last failure is the longest ago, beyond its capacity', () => {
    const { isExhausted, fail } = setUp({ capacity: 2, attempts: 2 })
    fail('192.0.2.1', 2)
    fail('192.0.2.2', 2)
    fail('192.0.2.1', 1)
    fail('192.0.2.3', 2)
    expect(isExhausted('192.0.2.1')).toBe(true)
    expect(isExhausted('192.0.2.2')).toBe(false)
    expect(isExhausted('192.0.2.3')).toBe(true)
  })

  it('remembers 10,000 clients', () => {
    const { isExhausted, fail } = setUp({ attempts: 1 })
    const clients = Array.from({ length: 10_001 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
    for (const client of clients) fail(client, 1)
    expect(clients.filter((client) => !isExhausted(client))).toEqual(['10.0.0.0'])
  })

  it('never has more attempts than 20 and one for every 3 s', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40)), (pauses) => {
        const { clock, isExhausted, recordFailure } = setUp()
        let failures = 0
        // The pauses begin when all are used up, in steps that no rounding touches.
        for (const pause of [0, ...pauses]) {
          clock.pass(pause / 4)
          for (; !isExhausted(CLIENT); failures += 1) recordFailure(CLIENT)
          expect(failures).toBe(20 + Math.floor(clock.elapsedMs() / 3000))
        }
      }),
    )
  })
})

describe('one client is', () => {
  function areOne(first: string, second: string): boolean {
    const { isExhausted, fail } = setUp({ attempts: 1 })
    fail(first, 1)
    return isExhausted(second)
  }

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8:1:2::1', '2001:0DB8:0001:0002:0:0:0:1'],
    ['2001:db8::1', '2001:db8:0:0:1::'],
    ['fe80::1%eth0', 'fe80::2'],
    ['::1', '::2'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['not an address', '1.2.3.4:80'],
    ['192.0.2.1, 192.0.2.2', ''],
  ])('whoever comes from %j or %j', (first, second) => {
    expect(areOne(first, second)).toBe(true)
    expect(areOne(second, first)).toBe(true)
  })

  it.each([
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8:1::', '2001:db8::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['::ffff:192.0.2.1', '::1'],
  ])('not whoever comes from %j or %j', (first, second) => {
    expect(areOne(first, second)).toBe(false)
    expect(areOne(second, first)).toBe(false)
  })

  it('a /64 of any IPv6 address, in any spelling', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(0xffff), (address, group) => {
        fc.pre(isIPv6(address))
        const start = new URL(`http://[${address}]`).hostname
        expect(areOne(address, start.slice(1, -1))).toBe(true)
        expect(areOne(address, '192.0.2.1')).toBe(false)
        const prefix = `1:2:3:${group.toString(16)}`
        expect(areOne(`${prefix}::`, `${prefix}:0:5:6:7`)).toBe(true)
      }),
    )
  })
})
