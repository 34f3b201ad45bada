import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Measurement } from '../bench/measurement.js'
import type { Services } from '../bench/services.js'
import { judgeCalls, judgeRequests, parseCounter } from './counters.js'
import { judgeGrowth, judgeRest } from './growth.js'
import { askCounted, runPoliteClients } from './polite-clients.js'
import { runRudeClients } from './rude-clients.js'
import { flapList, flapRegistry, flapVmm, startSurroundings } from './surroundings.js'
import { add, createTally, sum, type ClientTally } from './tally.js'
import { describeVitals, isSettled, readVitals, type Observed, type Vitals } from './vitals.js'
import { expectedOutcomes } from './vmm-turns.js'

/** Looking costs the process two garbage collections. */
const SAMPLES = 120
const LEAST_APART_S = 1
const LINES = 20
/** So much of the load is for the compilers, and until there are as many clients at a time as there ever are. */
const WARM_UP = 0.15
/** So long everything that is under way may take to end. */
const SETTLE_S = 60
const PATHS = ['/health', '/', '/metrics', '/readyz', '/livez']

/** Puts the built backend under load for so many seconds, while everything around it misbehaves. */
export async function soak(
  services: Services,
  seconds: number,
  report: (line: string) => void,
): Promise<Measurement[]> {
  const { vmm, registry } = services
  const surroundings = await startSurroundings(services)
  const { url } = surroundings
  const tally = createTally()
  const pubkey = await loadEverything(url, tally)
  const before = await highest(surroundings)
  report(`before:\n${describeVitals(before)}`)

  const callsBefore = vmm.calls
  flapVmm(services)
  const load = new AbortController()
  // Every client listens to it.
  setMaxListeners(0, load.signal)
  const running = Promise.all([
    runPoliteClients(url, tally, load.signal),
    runRudeClients(url, tally, load.signal, seconds * 1000 * WARM_UP * 0.9),
    flapRegistry(services, seconds * 100, load.signal),
    flapList(surroundings.list, pubkey, 7_000, load.signal),
  ])
  const vitals = await watch(surroundings, seconds, report)
  load.abort()
  await running
  for (const [failure, count] of tally.failures) report(`${failure} (${count} times)`)

  const turns = vmm.calls - callsBefore
  vmm.behave({ kind: 'ok' })
  const after = await settle(surroundings, before)
  report(`after all clients have gone:\n${describeVitals(after)}`)
  const { metrics, asked } = await scrapeAtRest(url, tally, () => vmm.calls)
  const expected = expectedOutcomes(turns)
  add(expected, 'ok', vmm.calls - turns)
  return [
    ...judgeGrowth(vitals.filter(({ atS }) => atS > seconds * WARM_UP)),
    ...judgeRest(before, after),
    ...judgeRequests(metrics, asked),
    ...judgeCalls(metrics, expected, vmm.calls),
    { what: 'questions that the registry got', value: registry.requests.length, unit: 'requests' },
  ]
}

/** Asks for everything once, so that all of the program is in memory; gives the backend's key. */
async function loadEverything(url: string, tally: ClientTally): Promise<string> {
  for (const path of PATHS) await askCounted(url, { path }, tally)
  await askCounted(url, { path: '/', headers: { accept: 'text/html' } }, tally)
  const health = await askCounted(url, { path: '/health' }, tally)
  return (JSON.parse(health) as { pubkeys: string[] }).pubkeys[0] ?? ''
}

/** The most that there is of everything in a process that has nothing to do but its own rounds. */
async function highest(observed: Observed): Promise<Vitals> {
  const seen = [await readVitals(observed, 0)]
  for (let look = 0; look < 10; look += 1) {
    await delay(1_000)
    seen.push(await readVitals(observed, 0))
  }
  const most = (vital: keyof Vitals) => Math.max(...seen.map((one) => one[vital]))
  return {
    atS: 0,
    residentMb: most('residentMb'),
    heapMb: most('heapMb'),
    files: most('files'),
    timers: most('timers'),
    sockets: most('sockets'),
  }
}

async function watch(
  observed: Observed,
  seconds: number,
  report: (line: string) => void,
): Promise<Vitals[]> {
  const vitals: Vitals[] = []
  const samples = Math.floor(Math.min(SAMPLES, seconds / LEAST_APART_S))
  const beganMs = performance.now()
  for (let sample = 1; sample <= samples; sample += 1) {
    await delay(Math.max(0, beganMs + (sample * seconds * 1000) / samples - performance.now()))
    const now = await readVitals(observed, (performance.now() - beganMs) / 1000)
    vitals.push(now)
    if (sample % Math.ceil(samples / LINES) === 0) report(describeVitals(now))
  }
  return vitals
}

/** Waits until nothing is open that was not open before, or until it is clear that something stays. */
async function settle(observed: Observed, before: Vitals): Promise<Vitals> {
  for (let second = 0; ; second += 1) {
    const now = await readVitals(observed, second)
    if (isSettled(now, before) || second >= SETTLE_S) return now
    await delay(1_000)
  }
}

/** The metrics at a moment when no call to the VMM is under way, and what clients had asked until then. */
async function scrapeAtRest(url: string, tally: ClientTally, calls: () => number) {
  for (let second = 0; ; second += 1) {
    const asked = structuredClone(tally)
    const metrics = await askCounted(url, { path: '/metrics' }, tally)
    const counted = sum(parseCounter(metrics, 'dstack_vmm_calls_total', ['outcome']))
    if (counted === calls() || second >= SETTLE_S) return { metrics, asked }
    await delay(1_000)
  }
}
