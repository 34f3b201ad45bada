import { checkAnswers, createApiContract } from '@dstack-node/testbed/test-tools/api-contract'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { describeBackendApi } from '../src/api-description.js'
import type { ListGpus } from '../src/dstack/dstack-client.js'
import { createGpuMonitor, type GpuMonitor } from '../src/dstack/gpu-monitor.js'
import type { Address, AddressView } from '../src/address/ip-address.js'
import { buildServer } from '../src/server.js'
import type { NodeFacts } from '../src/status/node-facts.js'
import { listing, makeFacts, makeGpus, THEN } from './_facts.js'
import { recordingLog } from './_log.js'

export const PUBKEY = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
export const NPUB = 'npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d'

/** A service for a test; what it answers from may be changed while it serves. */
export interface TestServer {
  app: FastifyInstance
  monitor: GpuMonitor
  address: Pick<Address, 'read' | 'fresh'>
  /** All that is known but for the sample, which is the monitor's. */
  facts: Omit<NodeFacts, 'sample'>
  /** What the clock says, in milliseconds. */
  time: { ms: number }
  stopping: AbortController
  /** What it has logged so far. */
  lines: string[]
}

const NO_ADDRESS: AddressView = { address: undefined, source: undefined, containerOnly: false }

/** Each answer of each test is held to this. */
const contract = createApiContract(describeBackendApi('1.2.3'))

/** The service in front of a VMM that is a function; no time passes but what a test lets pass. */
export async function makeServer(
  listGpus: ListGpus = async () => listing(makeGpus(2)),
  other: Partial<NodeFacts> = {},
  level: 'trace' | 'info' = 'trace',
): Promise<TestServer> {
  const { log, lines } = await recordingLog(level)
  const facts = makeFacts(other)
  const time = { ms: 0 }
  const stopping = new AbortController()
  const monitor = createGpuMonitor({
    listGpus,
    advise: ({ ok }) => (ok ? '' : 'Start the VMM.'),
    log,
    clock: {
      now: () => time.ms,
      date: () => new Date(THEN.getTime() + time.ms),
      setTimer: () => () => undefined,
    },
  })
  const current = () => facts.address ?? NO_ADDRESS
  const address = { read: async () => current(), fresh: current }
  const app = await buildServer({
    identity: { pubkey: PUBKEY, npub: NPUB },
    facts: () => ({ ...facts, sample: monitor.latest() }),
    monitor,
    address,
    version: '1.2.3',
    log,
    stopping: stopping.signal,
  })
  checkAnswers(app, contract)
  onTestFinished(() => app.close())
  return { app, monitor, address, facts, time, stopping, lines }
}
