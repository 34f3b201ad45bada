import type { FastifyInstance } from 'fastify'
import { describeFailure } from '../backend-info.js'
import type { GpuMonitor } from '../dstack/gpu-monitor.js'
import { FRESH_MS } from '../status/fresh-gpus.js'

/** What readiness goes by. */
export interface ReadyDependencies {
  monitor: Pick<GpuMonitor, 'latest' | 'ageMs'>
  /** Fires when the service is to stop. */
  stopping: AbortSignal
}

/** `GET /readyz`: whether GPUs are known just now. It answers from what is known and never waits. */
export function registerReadyRoute(app: FastifyInstance, dependencies: ReadyDependencies): void {
  app.get('/readyz', async (_request, reply) => {
    const reason = whyNotReady(dependencies)
    reply.code(reason === undefined ? 200 : 503).header('cache-control', 'no-store')
    return reason === undefined ? { status: 'ready' } : { status: 'not_ready', reason }
  })
}

/** One of a few sentences, without anything that changes in it; undefined where it is ready. */
function whyNotReady({ monitor, stopping }: ReadyDependencies): string | undefined {
  if (stopping.aborted) return 'the service is about to stop'
  const sample = monitor.latest()
  if (sample === undefined) return 'DStack was not asked yet'
  if (!sample.reading.ok) return describeFailure(sample.reading.failure)
  if (monitor.ageMs(sample) > FRESH_MS) {
    return `DStack's latest answer is older than ${FRESH_MS / 1000} s`
  }
  return undefined
}
