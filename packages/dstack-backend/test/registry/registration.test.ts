import { setTimeout as delay } from 'node:timers/promises'
import { startSimulatedRegistry, createGate, type SimulatedRegistry } from '@dstack-node/testbed'
import { StartError } from '@dstack-node/service-kit'
import fc from 'fast-check'
import { Agent } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { register, type Clock, type RegistrationOptions } from '../../src/registry/registration.js'
import { createRegistryClient } from '../../src/registry/registry-client.js'
import { recordingLog } from '../_log.js'

const PUBKEY = 'ab'.repeat(32)
const WORKER = { pubkey: PUBKEY, owner: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' }
const NODE_TYPE = 'node-H100x1'

/** A clock that stands still but for the sleeps, which it records and doesn't wait for. */
function steppingClock(random = 0.5): Clock & { sleeps: number[] } {
  const sleeps: number[] = []
  let now = 0
  return {
    sleeps,
    now: () => now,
    random: () => random,
    sleep: async (milliseconds) => {
      sleeps.push(milliseconds)
      now += milliseconds
    },
  }
}

let registry: SimulatedRegistry
beforeEach(async () => {
  registry = await startSimulatedRegistry()
})
afterEach(() => registry.close())

async function attempt({
  timeoutMs = 10_000,
  clock = steppingClock(),
  url = registry.url,
  signal = new AbortController().signal,
  nodeType = NODE_TYPE,
  firstDelayMs = 0,
}: Partial<Omit<RegistrationOptions, 'client'>> & { url?: string } = {}) {
  const { log } = await recordingLog()
  const client = createRegistryClient({ baseUrl: url }, new Agent({ pipelining: 0 }))
  return register({ client, worker: WORKER, nodeType, timeoutMs, firstDelayMs, signal, log, clock })
}

/** The requests that the registry saw, as `GET` and `POST`. */
function seen(): (string | undefined)[] {
  return registry.requests.map(({ method }) => method)
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(StartError)
  const { message } = error as Error
  expect(message).toMatch(/^registration failed: /)
  return message
}

describe('register', () => {
  it('is done when the registry says AllowAll already', async () => {
    registry.permit(PUBKEY)
    expect((await attempt()).how).toBe('known')
    expect(seen()).toEqual(['GET'])
    expect(registry.requests[0]?.path).toBe(`/permissions/${PUBKEY}`)
  })

  it('registers a worker that the registry does not know', async () => {
    expect((await attempt()).how).toBe('new')
    expect(seen()).toEqual(['GET', 'POST'])
    expect(registry.workers.get(PUBKEY)).toMatchObject({
      owner: WORKER.owner,
      node_type: NODE_TYPE,
    })
  })

  it('tells the node type, whether it had to be registered or not', async () => {
    expect((await attempt()).nodeType).toBe(NODE_TYPE)
    registry.permit(PUBKEY)
    expect(await attempt()).toMatchObject({ how: 'known', nodeType: NODE_TYPE })
  })

  it('keeps to a path prefix', async () => {
    await registry.close()
    registry = await startSimulatedRegistry({ prefix: '/api/v1' })
    await attempt()
    expect(registry.requests.map(({ path }) => path)).toEqual([
      `/api/v1/permissions/${PUBKEY}`,
      '/api/v1/workers',
    ])
  })

  it.each([
    ['Allow', '{"write":{"mode":"Allow"}}'],
    ['another letter case', '{"write":{"mode":"allowall"}}'],
    ['true', '{"write":true}'],
    ['a string', '{"write":"AllowAll"}'],
    ['an empty object', '{}'],
    ['null', 'null'],
    ['HTML', '<html>AllowAll</html>'],
    ['nothing', ''],
  ])('takes %s for no registration, and registers', async (_form, body) => {
    registry.onPermission({ kind: 'raw', body })
    expect((await attempt()).how).toBe('new')
  })

  it.each([400, 401, 403, 404, 405, 408, 429, 500, 503])(
    'registers when the check is answered %i, even with AllowAll in the body',
    async (status) => {
      registry.onPermission({ kind: 'raw', status, body: '{"write":{"mode":"AllowAll"}}' })
      expect((await attempt()).how).toBe('new')
      expect(seen()).toEqual(['GET', 'POST'])
    },
  )

  it.each([
    [200, ''],
    [201, '{"id":1}'],
    [202, 'ok'],
    [204, undefined],
  ])('takes %i for success, whatever the body', async (status, body) => {
    registry.onRegister({ kind: 'raw', status, ...(body !== undefined && { body }) })
    expect((await attempt()).how).toBe('new')
  })

  it('takes a 2xx for success even when its body does not arrive', async () => {
    registry.onRegister({ kind: 'short' })
    expect((await attempt()).how).toBe('new')
    expect(seen()).toEqual(['GET', 'POST'])
  })

  it('lets a post take most of the time', async () => {
    const posted: number[] = []
    const { log } = await recordingLog()
    const answer = { kind: 'answer', status: 201, allowsAll: false, words: '' } as const
    const rest = { retryAfterMs: undefined, location: undefined }
    await register({
      client: {
        getPermission: async () => ({ ...answer, ...rest, status: 404 }),
        postWorker: async (_worker, { timeoutMs }) => {
          posted.push(timeoutMs)
          return { ...answer, ...rest }
        },
      },
      worker: WORKER,
      nodeType: NODE_TYPE,
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      log,
      clock: steppingClock(),
    })
    expect(posted).toEqual([8_000])
  })

  it('posts although the check got no answer', async () => {
    registry.onPermission({ kind: 'reset' })
    expect((await attempt()).how).toBe('new')
  })

  it('posts although the check hangs, within the time', async () => {
    registry.onPermission({ kind: 'hang' })
    expect((await attempt({ timeoutMs: 6_000 })).how).toBe('new')
  })
})

describe('register tries again', () => {
  it.each([408, 425, 429, 500, 502, 503, 504])('after a post answered %i', async (status) => {
    registry.onRegister([{ kind: 'raw', status }])
    const clock = steppingClock()
    expect((await attempt({ clock })).how).toBe('new')
    expect(seen()).toEqual(['GET', 'POST', 'GET', 'POST'])
    expect(clock.sleeps).toEqual([500])
  })

  it('with delays that double, spread by chance, until the time is up', async () => {
    registry.onRegister({ kind: 'raw', status: 503, body: '{"error":"try later"}' })
    const clock = steppingClock()
    const message = await refusal(attempt({ clock, timeoutMs: 10_000 }))
    expect(clock.sleeps).toEqual([500, 1000, 2000, 4000, 1500])
    expect(message).toContain('503 Service Unavailable to POST /workers: it says "try later"')
    expect(message).toContain('gave up after 10000 ms (REGISTRATION_TIMEOUT_MS)')
  })

  it('never at once, whatever chance says', async () => {
    registry.onRegister([{ kind: 'raw', status: 503 }])
    const clock = steppingClock(0)
    await attempt({ clock })
    expect(clock.sleeps).toEqual([50])
  })

  it('until the time is up, whatever chance says, but for a last short wait', async () => {
    registry.onRegister({ kind: 'raw', status: 503 })
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), async (random) => {
        const clock = steppingClock(random)
        await refusal(attempt({ clock, timeoutMs: 5_000 }))
        expect(clock.now()).toBeGreaterThanOrEqual(4_499)
        expect(clock.now()).toBeLessThanOrEqual(5_000)
      }),
      { numRuns: 10 },
    )
  })

  it('when the registry is not there yet', async () => {
    await registry.stop()
    const clock = steppingClock()
    const sleep = clock.sleep
    clock.sleep = async (milliseconds, signal) => {
      await sleep(milliseconds, signal)
      await registry.start()
    }
    expect((await attempt({ clock })).how).toBe('new')
  })

  it('and says why it gave up when nobody is there', async () => {
    await registry.stop()
    const message = await refusal(attempt())
    expect(message).toContain('refused the connection')
    expect(message).toContain('ECONNREFUSED')
  })

  it('and says that a name does not resolve', async () => {
    const message = await refusal(attempt({ url: 'http://registry.invalid:9200' }))
    expect(message).toContain('does not resolve')
  })

  it('asks for the permission first when the answer to a post was lost', async () => {
    registry.onRegister([{ kind: 'lost' }])
    expect((await attempt()).how).toBe('known')
    expect(seen()).toEqual(['GET', 'POST', 'GET'])
  })

  it('posts again when the lost post had not arrived', async () => {
    registry.onRegister([{ kind: 'reset' }])
    expect((await attempt()).how).toBe('new')
    expect(seen()).toEqual(['GET', 'POST', 'GET', 'GET', 'POST'])
  })

  it('finds the time to ask once more when check and post both hang', async () => {
    const gate = createGate()
    registry.onPermission([{ kind: 'hang' }])
    registry.onRegister([{ kind: 'gate', until: gate.until }])
    registry.permit(PUBKEY)
    expect((await attempt({ timeoutMs: 6_000 })).how).toBe('known')
    expect(seen()).toEqual(['GET', 'POST', 'GET'])
    gate.open()
  })
})

describe('register with a first delay', () => {
  it('waits before it asks anybody, and counts that', async () => {
    registry.onRegister({ kind: 'raw', status: 503 })
    const clock = steppingClock()
    await refusal(attempt({ clock, firstDelayMs: 1_700 }))
    expect(clock.sleeps[0]).toBe(1_700)
    expect(clock.now()).toBeLessThanOrEqual(10_000)
  })

  it('ends while it waits when it is told to stop', async () => {
    const controller = new AbortController()
    const sleep: Clock['sleep'] = (milliseconds, signal) =>
      delay(milliseconds, undefined, { signal })
    const clock = { ...steppingClock(), sleep }
    const started = attempt({ clock, firstDelayMs: 3_600_000, signal: controller.signal })
    controller.abort()
    await expect(started).rejects.toThrow('aborted')
    expect(seen()).toEqual([])
  })
})

describe('register and Retry-After', () => {
  const later = (value: string, status = 429) =>
    ({ kind: 'raw', status, headers: { 'retry-after': value } }) as const

  it('waits as many seconds as a post was told, and a moment by chance', async () => {
    registry.onRegister([later('3')])
    const clock = steppingClock()
    await attempt({ clock })
    expect(clock.sleeps).toEqual([3500])
  })

  it('waits as many seconds as the check was told, and posts nothing before', async () => {
    registry.onPermission([later('2')])
    const clock = steppingClock()
    await attempt({ clock })
    expect(clock.sleeps).toEqual([2500])
    expect(seen()).toEqual(['GET', 'GET', 'POST'])
  })

  it('understands a date', async () => {
    registry.onRegister([later(new Date(Date.now() + 3_600_000).toUTCString(), 503)])
    const clock = steppingClock()
    await attempt({ clock, timeoutMs: 3_600_000 * 2 })
    expect(clock.sleeps[0]).toBeGreaterThan(3_500_000)
    expect(clock.sleeps[0]).toBeLessThanOrEqual(3_600_500)
  })

  it.each(['soon', '-5', '1.5', ''])('ignores the nonsense "%s"', async (value) => {
    registry.onRegister([later(value)])
    const clock = steppingClock()
    await attempt({ clock })
    expect(clock.sleeps).toEqual([500])
  })

  it('posts all the same when the check was told to wait longer than there is time', async () => {
    registry.onPermission(later('3600', 503))
    expect((await attempt()).how).toBe('new')
  })

  it('gives up at once when it is longer than the time that is left', async () => {
    registry.onRegister(later('99999'))
    const clock = steppingClock()
    expect(await refusal(attempt({ clock }))).toContain('asks to wait 99999 s, longer than')
    expect(clock.sleeps).toEqual([])
    expect(seen()).toEqual(['GET', 'POST'])
  })
})

describe('register gives up at once', () => {
  it.each([400, 401, 402, 403, 404, 405, 410, 413, 422])(
    'on a post answered %i',
    async (status) => {
      registry.onRegister({ kind: 'raw', status, body: '{"error":"owner unknown"}' })
      const message = await refusal(attempt())
      expect(message).toContain(`answered ${status} `)
      expect(message).toContain('it says "owner unknown"')
      expect(seen()).toEqual(['GET', 'POST'])
    },
  )

  it.each([301, 302, 307, 308])(
    'on a check redirected with %i, naming the place',
    async (status) => {
      const headers = { location: 'https://elsewhere.example/' }
      registry.onPermission({ kind: 'raw', status, headers })
      expect(await refusal(attempt())).toContain('where it points, https://elsewhere.example/')
      expect(seen()).toEqual(['GET'])
    },
  )

  it('on a post redirected', async () => {
    registry.onRegister({
      kind: 'raw',
      status: 308,
      headers: { location: 'https://elsewhere.example/' },
    })
    expect(await refusal(attempt())).toContain('https://elsewhere.example/')
  })

  it('on a conflict when the registry still does not allow the worker', async () => {
    registry.onRegister({
      kind: 'raw',
      status: 409,
      body: '{"message":"belongs to another owner"}',
    })
    const message = await refusal(attempt())
    expect(message).toContain('409 Conflict')
    expect(message).toContain('belongs to another owner')
    expect(seen()).toEqual(['GET', 'POST', 'GET'])
  })

  it('when it is told to stop', async () => {
    registry.onPermission({ kind: 'hang' })
    const controller = new AbortController()
    const started = attempt({ signal: controller.signal })
    await registry.received(1)
    controller.abort()
    await expect(started).rejects.toThrow('aborted')
    expect(seen()).toEqual(['GET'])
  })
})

describe('register and a conflict', () => {
  it('is done when the registry allows the worker after all', async () => {
    registry.onPermission([{ kind: 'raw', status: 404 }])
    registry.permit(PUBKEY)
    registry.onRegister({ kind: 'raw', status: 409 })
    expect((await attempt()).how).toBe('known')
  })

  it('tries again when the second check may be answered later', async () => {
    registry.onPermission([
      { kind: 'raw', status: 404 },
      { kind: 'raw', status: 503 },
    ])
    registry.permit(PUBKEY)
    registry.onRegister({ kind: 'raw', status: 409 })
    expect((await attempt()).how).toBe('known')
  })

  it('tries again when the second check got no answer', async () => {
    registry.onPermission([{ kind: 'raw', status: 404 }, { kind: 'reset' }])
    registry.onRegister([{ kind: 'raw', status: 409 }])
    expect((await attempt()).how).toBe('new')
  })
})
