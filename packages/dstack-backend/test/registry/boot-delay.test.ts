import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bootDelayMs } from '../../src/registry/boot-delay.js'

const REBOOT = {
  uptimeSeconds: 40,
  registryUrl: 'https://registry.example:9200/v1',
  timeoutMs: 120_000,
  random: () => 0.5,
}

describe('bootDelayMs', () => {
  it('is a moment by chance where the machine has just booted', () => {
    expect(bootDelayMs(REBOOT)).toBe(1_000)
    expect(bootDelayMs({ ...REBOOT, random: () => 0.999 })).toBe(1_998)
  })

  it('is nothing for a start by hand, a restart or an update', () => {
    expect(bootDelayMs({ ...REBOOT, uptimeSeconds: 300 })).toBe(0)
    expect(bootDelayMs({ ...REBOOT, uptimeSeconds: 299 })).toBe(1_000)
  })

  it.each([
    'http://localhost:9200',
    'http://LOCALHOST',
    'http://registry.localhost',
    'http://127.0.0.1:9200/v1',
    'http://127.8.9.1',
    'http://[::1]:9200',
  ])('is nothing where the registry is %s, which only this machine asks', (registryUrl) => {
    expect(bootDelayMs({ ...REBOOT, registryUrl })).toBe(0)
  })

  it.each(['http://10.0.0.1', 'http://[fd00::1]', 'http://localhost.example', 'http://registry'])(
    'counts %s as another machine',
    (registryUrl) => {
      expect(bootDelayMs({ ...REBOOT, registryUrl })).toBe(1_000)
    },
  )

  it('leaves four fifths of the time for the registration, and is 2 s at most', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 3_600_000 }),
        (random, timeoutMs) => {
          const delay = bootDelayMs({ ...REBOOT, timeoutMs, random: () => random })
          expect(Number.isInteger(delay)).toBe(true)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(Math.min(2_000, timeoutMs / 5))
        },
      ),
    )
  })
})
