import type { Logger } from '@dstack-node/service-kit'
import { describeFailure } from '../backend-info.js'
import type { Config } from '../config.js'
import { adviseDstack } from '../dstack/dstack-advice.js'
import {
  createDstackDispatcher,
  createListGpus,
  type Gpu,
  type GpuReading,
} from '../dstack/dstack-client.js'
import type { Endpoint } from '../requests/endpoint.js'
import { createGpuSampler } from '../dstack/gpu-sampler.js'
import { well, wrong, type Step } from './step.js'

const clock = { now: () => performance.now(), date: () => new Date() }

/** Whether the VMM lists its GPUs, and which; undefined where it does not. */
export async function checkDstack(
  { dstack, dstackToken }: Pick<Config, 'dstack' | 'dstackToken'>,
  log: Logger,
): Promise<{ step: Step; gpus: readonly Gpu[] | undefined }> {
  const sampler = createGpuSampler({
    listGpus: createListGpus(dstack, createDstackDispatcher(dstack), dstackToken),
    advise: (reading) => adviseDstack(reading, dstack, dstackToken.kind),
    log,
    clock,
  })
  const { reading, advice, durationMs } = await sampler.take()
  if (!reading.ok) {
    return { step: wrong('dstack', describe(dstack, reading), advice), gpus: undefined }
  }
  const message = `${whereIs(dstack)} answers, in ${Math.round(durationMs)} ms`
  return { step: well('dstack', message), gpus: reading.gpus }
}

function describe(
  dstack: Endpoint,
  { failure, detail, words }: GpuReading & { ok: false },
): string {
  const said = words === undefined ? '' : `; it says "${words}"`
  return `${whereIs(dstack)}: ${describeFailure(failure)} (${detail})${said}`
}

function whereIs({ baseUrl, socketPath }: Endpoint): string {
  return socketPath === undefined ? baseUrl : `unix://${socketPath}`
}
