import fc from 'fast-check'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import {
  createAddress,
  parseAdvertisedIp,
  type AddressOptions,
} from '../../src/address/ip-address.js'
import { addressInfo, LOOPBACK } from './_interfaces.js'
import { recordingLog } from '../_log.js'

const REGISTRY = '198.51.100.9'
const WORLD = '192.0.2.1'

/** A machine whose routes lead from these addresses to those targets; it is in no container. */
async function setup(routes: Record<string, string>, options: Partial<AddressOptions> = {}) {
  const time = { now: 0 }
  const asked: string[] = []
  const { log, lines } = await recordingLog()
  const address = createAddress({
    advertised: undefined,
    registryUrl: `http://${REGISTRY}:9200/v1`,
    log,
    route: async (target) => {
      asked.push(target)
      return routes[target]
    },
    lookup: async () => {
      throw new Error('nobody should ask')
    },
    interfaces: () => LOOPBACK,
    exists: () => false,
    now: () => time.now,
    ...options,
  })
  return { ...address, asked, lines, time }
}

describe('createAddress', () => {
  it('tells an address of this machine that others can use, even though the registry is on localhost', async () => {
    const { log } = await recordingLog()
    for (const registryUrl of ['http://localhost:9200', 'http://127.0.0.1', 'http://[::1]:9200']) {
      const { address } = await createAddress({ advertised: undefined, registryUrl, log }).read()
      const own = Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .filter(({ internal }) => !internal)
      expect([undefined, ...own.map((info) => info.address)]).toContain(address)
      if (own.some(({ family }) => family === 'IPv4')) expect(isIP(address ?? '')).toBe(4)
    }
  })

  it('tells ADVERTISE_IP in place of everything, and asks nobody', async () => {
    const { read, asked } = await setup({ [REGISTRY]: '10.0.0.7' }, { advertised: '172.17.0.2' })
    expect(await read()).toEqual({
      address: '172.17.0.2',
      source: 'ADVERTISE_IP',
      containerOnly: false,
    })
    expect(asked).toEqual([])
  })

  it('prefers the route to the registry', async () => {
    const { read } = await setup({ [REGISTRY]: '10.0.0.7', [WORLD]: '10.0.1.7' })
    expect(await read()).toEqual({ address: '10.0.0.7', source: 'route', containerOnly: false })
  })

  it('resolves the name of the registry', async () => {
    const lookup = async (host: string) =>
      host === 'registry.example' ? [{ address: REGISTRY, family: 4 }] : []
    const options = { registryUrl: 'https://registry.example/v1', lookup }
    const { read, asked } = await setup({ [REGISTRY]: '10.0.0.7' }, options)
    expect((await read()).address).toBe('10.0.0.7')
    expect(asked).toEqual([REGISTRY])
  })

  it('goes on without the registry when its name does not resolve', async () => {
    const options = { registryUrl: 'http://registry.example' }
    const { read } = await setup({ [WORLD]: '10.0.1.7' }, options)
    expect(await read()).toMatchObject({ address: '10.0.1.7', source: 'route' })
  })

  it('takes the route over IPv6 to a registry that is reached so', async () => {
    const options = { registryUrl: 'http://[2001:db8::9]:9200' }
    const { read } = await setup({ '2001:db8::9': '2001:db8::7' }, options)
    expect(await read()).toMatchObject({ address: '2001:db8::7', source: 'route' })
  })

  it.each(['127.0.0.1', '127.0.1.1', '0.0.0.0', '169.254.3.4', '::1', '::', 'fe80::1%eth0'])(
    'passes over %s on the route to the registry',
    async (useless) => {
      const { read } = await setup({ [REGISTRY]: useless, [WORLD]: '10.0.1.7' })
      expect((await read()).address).toBe('10.0.1.7')
    },
  )

  it('falls back to the first interface where no route leads out', async () => {
    const interfaces = () => ({
      ...LOOPBACK,
      docker0: [addressInfo('172.17.0.1')],
      eth0: [addressInfo('10.0.0.7')],
    })
    const { read } = await setup({}, { interfaces })
    expect(await read()).toEqual({ address: '10.0.0.7', source: 'interface', containerOnly: false })
  })

  it('says so when there is no address at all', async () => {
    const { read } = await setup({})
    expect(await read()).toEqual({ address: undefined, source: undefined, containerOnly: false })
  })

  it.each([
    ['on the route', { [REGISTRY]: '172.18.0.3' }, LOOPBACK],
    ['of an interface', {}, { eth0: [addressInfo('172.18.0.3')] }],
  ])('marks an address %s that only containers reach', async (_name, routes, interfaces) => {
    const options = { exists: (path: string) => path === '/.dockerenv' }
    const { read } = await setup(routes, { ...options, interfaces: () => interfaces })
    expect(await read()).toMatchObject({ address: '172.18.0.3', containerOnly: true })
  })

  it('lets an address serve for 15 s, and everybody who asks meanwhile wait for the same look', async () => {
    const { read, asked, time } = await setup({ [REGISTRY]: '10.0.0.7' })
    await Promise.all([read(), read(), read()])
    time.now = 14_999
    await read()
    expect(asked).toHaveLength(1)
    time.now = 15_000
    await read()
    expect(asked).toHaveLength(2)
  })

  it('follows a change, with one line in the log for each', async () => {
    const routes: Record<string, string> = { [REGISTRY]: '10.0.0.7' }
    const { read, latest, lines, time } = await setup(routes)
    const addresses: unknown[] = []
    for (const next of ['10.0.0.7', '10.0.0.8', '10.0.0.8', '127.0.0.1', '10.0.0.9']) {
      routes[REGISTRY] = next
      addresses.push((await read()).address)
      time.now += 15_000
    }
    expect(addresses).toEqual(['10.0.0.7', '10.0.0.8', '10.0.0.8', undefined, '10.0.0.9'])
    expect(latest()?.address).toBe('10.0.0.9')
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(logged.map(({ msg, from, to, source }) => [msg, from, to, source])).toEqual([
      ['address changed', '10.0.0.7', '10.0.0.8', 'route'],
      ['address changed', '10.0.0.8', null, undefined],
      ['address changed', null, '10.0.0.9', 'route'],
    ])
  })

  it('keeps what it knew while the interfaces can not be listed, as without open files', async () => {
    const routes: Record<string, string> = { [REGISTRY]: '10.0.0.7' }
    const interfaces = () => {
      throw new Error('EMFILE')
    }
    const { read, lines, time } = await setup(routes, { interfaces })
    const found = await read()
    Reflect.deleteProperty(routes, REGISTRY)
    time.now += 60_000
    expect(await read()).toBe(found)
    expect(lines).toEqual([])
  })

  it('has no address where the interfaces can not be listed from the first', async () => {
    const interfaces = () => {
      throw new Error('EPERM')
    }
    const { read } = await setup({}, { interfaces })
    expect(await read()).toEqual({ address: undefined, source: undefined, containerOnly: false })
  })

  it('knows the latest without a look, and none before the first', async () => {
    const { read, latest } = await setup({ [REGISTRY]: '10.0.0.7' })
    expect(latest()).toBeUndefined()
    const found = await read()
    expect(latest()).toBe(found)
  })
})

describe('parseAdvertisedIp', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('reads %s', (text, address) => {
    expect(parseAdvertisedIp(text)).toBe(address)
  })

  it.each(['localhost', '203.0.113', '203.0.113.7:80', '[2001:db8::7', '203.0.113.7/24', ''])(
    'refuses %j',
    (text) => {
      expect(() => parseAdvertisedIp(text)).toThrow('must be an IP address, like 203.0.113.7')
    },
  )

  it('gives nothing but IP addresses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
        let address: string | undefined
        try {
          address = parseAdvertisedIp(text)
        } catch {
          return
        }
        expect(isIP(address)).toBeGreaterThan(0)
      }),
    )
  })
})
