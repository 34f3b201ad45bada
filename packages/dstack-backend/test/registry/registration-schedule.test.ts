import { describe, expect, it } from 'vitest'
import { createLogger, type Logger } from '@dstack-node/service-kit'
import { bootDelayMs } from '../../src/registry/boot-delay.js'
import { createPermissionWatch } from '../../src/network-view/permission-watch.js'
import { register } from '../../src/registry/registration.js'
import type { RegistryClient, RegistryReply } from '../../src/registry/registry-client.js'
import { seededRandom, simulateTime, type SimulatedTime } from '../_simulated-time.js'

const AGENTS = 1_000
const TIMEOUT_MS = 120_000
const LATENCY_MS = 5
const BUCKET_MS = 100

/** A request that reaches the registry, or would if it were up. */
interface Arrival {
  atMs: number
  pubkey: string
}

/** What the registry answers at a moment, to an agent that it knows or not. */
type Mood = (nowMs: number) => 'refuses' | 'asks to wait 10 s' | 'answers'

/** A registry as a thousand agents meet it, with the moments of their requests. */
function simulateRegistry({ now, sleep }: SimulatedTime, mood: Mood) {
  const arrivals: Arrival[] = []
  const known = new Set<string>()

  async function reply(method: 'GET' | 'POST', pubkey: string): Promise<RegistryReply> {
    arrivals.push({ atMs: now(), pubkey })
    const mode = mood(now())
    await sleep(LATENCY_MS)
    if (mode === 'refuses') return { kind: 'no_answer', code: 'ECONNREFUSED' }
    if (mode === 'asks to wait 10 s') return answer(429, { retryAfterMs: 10_000 })
    if (method === 'GET') return answer(known.has(pubkey) ? 200 : 404)
    known.add(pubkey)
    return answer(201)
  }
  const client: RegistryClient = {
    getPermission: (pubkey) => reply('GET', pubkey),
    postWorker: ({ pubkey }) => reply('POST', pubkey),
  }
  return { client, arrivals, known }
}

function answer(status: number, { retryAfterMs }: { retryAfterMs?: number } = {}): RegistryReply {
  const rest = { words: '', retryAfterMs, location: undefined }
  return { kind: 'answer', status, allowsAll: status === 200, ...rest }
}

function silentLog(): Promise<Logger> {
  return createLogger('test', { level: 'silent', format: 'json' }, {})
}

/** Starts a thousand agents at the same moment, on machines that have been up for so long. */
async function startTogether(mood: Mood, uptimeSeconds: number, seed: number) {
  const time = simulateTime()
  const registry = simulateRegistry(time, mood)
  const random = seededRandom(seed)
  const log = await silentLog()
  const outcomes = Array.from({ length: AGENTS }, (_, agent) =>
    register({
      client: registry.client,
      worker: { pubkey: String(agent), owner: '0x' },
      nodeType: 'node-H200x8',
      timeoutMs: TIMEOUT_MS,
      firstDelayMs: bootDelayMs({
        uptimeSeconds,
        registryUrl: 'https://registry.example',
        timeoutMs: TIMEOUT_MS,
        random,
      }),
      signal: new AbortController().signal,
      log,
      clock: { now: time.now, sleep: time.sleep, random },
    }),
  )
  const settled = Promise.allSettled(outcomes)
  await time.runUntil(TIMEOUT_MS)
  const failed = (await settled).filter(({ status }) => status === 'rejected')
  return { ...registry, failed }
}

/** The largest part of all agents that sends something within the same tenth of a second. */
function largestCrowd(arrivals: readonly Arrival[], fromMs = 0): number {
  const buckets = new Map<number, Set<string>>()
  for (const { atMs, pubkey } of arrivals.filter(({ atMs }) => atMs >= fromMs)) {
    const bucket = Math.floor(atMs / BUCKET_MS)
    buckets.set(bucket, (buckets.get(bucket) ?? new Set()).add(pubkey))
  }
  return Math.max(0, ...[...buckets.values()].map(({ size }) => size)) / AGENTS
}

const REBOOTED = 30
const UP_FOR_DAYS = 500_000
const HEALTHY: Mood = () => 'answers'
const DOWN_FOR_A_MINUTE: Mood = (nowMs) => (nowMs < 60_000 ? 'refuses' : 'answers')
const BUSY_FOR_A_WHILE: Mood = (nowMs) => (nowMs < 20_000 ? 'asks to wait 10 s' : 'answers')

describe.each([1, 2, 3])('a thousand agents that start together (chance %i)', (seed) => {
  it('do not arrive together when their machines boot together', async () => {
    const { arrivals, failed, known } = await startTogether(HEALTHY, REBOOTED, seed)
    expect([failed, known.size]).toEqual([[], AGENTS])
    expect(largestCrowd(arrivals)).toBeLessThan(0.1)
    expect(arrivals.at(-1)?.atMs).toBeLessThan(2_100)
  })

  it('find a registry that comes a minute late, and do not fall upon it', async () => {
    const { arrivals, failed, known } = await startTogether(DOWN_FOR_A_MINUTE, REBOOTED, seed)
    expect([failed, known.size]).toEqual([[], AGENTS])
    expect(largestCrowd(arrivals)).toBeLessThan(0.2)
    expect(largestCrowd(arrivals, 10_000)).toBeLessThan(0.05)
    expect(largestCrowd(arrivals, 60_000)).toBeLessThan(0.03)
    expect(arrivals.at(-1)?.atMs).toBeLessThan(95_000)
  })

  it('part after the first try when it is they alone that were started again', async () => {
    const { arrivals, failed, known } = await startTogether(DOWN_FOR_A_MINUTE, UP_FOR_DAYS, seed)
    expect([failed, known.size]).toEqual([[], AGENTS])
    expect(largestCrowd(arrivals)).toBe(1)
    expect(largestCrowd(arrivals, BUCKET_MS)).toBeLessThan(0.2)
    expect(largestCrowd(arrivals, 60_000)).toBeLessThan(0.03)
  })

  it('do not come back together when all were told to wait for the same time', async () => {
    const { arrivals, failed, known } = await startTogether(BUSY_FOR_A_WHILE, UP_FOR_DAYS, seed)
    expect([failed, known.size]).toEqual([[], AGENTS])
    const second = arrivals.filter(({ atMs }) => atMs > LATENCY_MS)
    expect(second[0]?.atMs).toBeGreaterThanOrEqual(10_000)
    expect(largestCrowd(second)).toBeLessThan(0.2)
  })
})

describe('a thousand agents that run', () => {
  it('do not ask for their permission together, though they started together', async () => {
    const time = simulateTime()
    const { client, arrivals } = simulateRegistry(time, HEALTHY)
    const log = await silentLog()
    const timing = { setTimer: time.setTimer, random: seededRandom(1) }
    const registration = { how: 'new' as const, registeredAt: new Date(0) }
    for (let agent = 0; agent < AGENTS; agent += 1) {
      createPermissionWatch({ client, pubkey: String(agent), registration, log, timing }).start()
    }
    await time.runUntil(3_600_000)
    expect(arrivals.length).toBeGreaterThan(5 * AGENTS)
    expect(largestCrowd(arrivals)).toBeLessThan(0.02)
  })
})
