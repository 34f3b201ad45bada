import { ask } from './load.js'
import type { Measurement } from './measurement.js'
import { startBesideRivals } from './rival-servers.js'
import { bestRound } from './rounds.js'
import type { Services } from './services.js'
import { sendSteadily } from './steady-load.js'

const SECONDS = 10
const SLOWEST_MS = 10

/** What those who ask notice of a VMM that takes every call and answers none. */
export async function measureHungVmm(services: Services): Promise<Measurement[]> {
  services.vmm.behave({ kind: 'hang' })
  const round = await bestRound(
    () => measure(services),
    ({ slowest }) => slowest,
    SLOWEST_MS,
  )
  const load = `100 requests a second for ${SECONDS} s`
  return [
    { what: 'VMM hangs: first answer', value: round.first, unit: 'ms', limit: 2_700 },
    {
      what: `VMM hangs, then ${load}: slowest answer`,
      value: round.slowest,
      unit: 'ms',
      limit: SLOWEST_MS,
    },
    { what: `VMM hangs, then ${load}: calls abandoned`, value: round.calls, unit: 'calls' },
    { what: `bare node:http server meanwhile: slowest answer`, value: round.bare, unit: 'ms' },
  ]
}

/** A cold backend, and in its process a bare server that is sent the same load. */
async function measure(services: Services) {
  const { program, url, rivals } = await startBesideRivals(
    services,
    'backend',
    await services.folder(),
  )
  const first = await ask(`${url}/health`)
  const before = services.vmm.calls
  const load = { path: '/health', perSecond: 100, seconds: SECONDS, connections: 10 }
  const [took, bare] = await Promise.all([
    sendSteadily({ ...load, url, status: 503 }),
    sendSteadily({ ...load, url: rivals.http, status: 200 }),
  ])
  const calls = services.vmm.calls - before
  await program.stop()
  return { first: first.ms, slowest: Math.max(...took), bare: Math.max(...bare), calls }
}
