import { gpuCards } from '../gpu-fixtures.js'
import { duel, throughputRatio } from './duel.js'
import { percentile, type Measurement } from './measurement.js'
import { getRequest } from './raw-client.js'
import { startBesideRivals, type BesideRivals } from './rival-servers.js'
import { bestRound } from './rounds.js'
import type { Services } from './services.js'
import { sendSteadily } from './steady-load.js'

const PATH = '/health'
const SECONDS = 5
const P99_MS = 10
/** A sample serves for 2 s: so often one is taken in that time. */
const MOST_CALLS = Math.floor(SECONDS / 2) + 1

/** What `/health` costs on a machine with eight GPUs, against bare servers in the same process. */
export async function measureHealth(services: Services): Promise<Measurement[]> {
  services.vmm.setGpus(gpuCards('H200', 8))
  const served = await startBesideRivals(services, 'backend', await services.folder())
  try {
    return [...(await measureSteadily(served, services)), await measureThroughput(served)]
  } finally {
    await served.program.stop()
  }
}

async function measureSteadily({ url, rivals }: BesideRivals, { vmm }: Services) {
  const send = (target: string, seconds: number) =>
    sendSteadily({
      url: target,
      path: PATH,
      perSecond: 1_000,
      seconds,
      connections: 20,
      status: 200,
    })
  const p99 = ({ took }: { took: number[] }) => percentile(took, 99)
  // The first requests are for the compilers.
  await send(url, 1)
  const measure = async () => {
    const before = vmm.calls
    const took = await send(url, SECONDS)
    return { took, calls: vmm.calls - before }
  }
  const round = await bestRound(measure, p99, P99_MS)
  const bare = { took: await send(rivals.http, SECONDS) }
  const load = `1,000 requests a second for ${SECONDS} s`
  return [
    { what: `${PATH}, ${load}: p50`, value: percentile(round.took, 50), unit: 'ms' },
    { what: `${PATH}, ${load}: p99`, value: p99(round), unit: 'ms', limit: P99_MS },
    {
      what: `${PATH}, ${load}: DStack calls`,
      value: round.calls,
      unit: 'calls',
      limit: MOST_CALLS,
    },
    { what: `bare node:http server, ${load}: p99`, value: p99(bare), unit: 'ms' },
  ]
}

async function measureThroughput({ url, rivals }: BesideRivals): Promise<Measurement> {
  const requests = [getRequest(PATH)]
  const [health, fastify] = await duel([
    { url, requests },
    { url: rivals.fastify, requests },
  ])
  return {
    what: `${PATH}: throughput, of a bare Fastify route`,
    value: throughputRatio(health, fastify),
    unit: '×',
    limit: 0.95,
    atLeast: true,
  }
}
