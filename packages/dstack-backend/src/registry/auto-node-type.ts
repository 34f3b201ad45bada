import { setTimeout as delay } from 'node:timers/promises'
import { nodeTypeOf } from '../inventory/node-type.js'
import { WHY_NO_GPUS } from '../inventory/find-warnings.js'
import type { NodeTypeAnswer, NodeTypeSource } from './node-type-source.js'
import type { NodeSample } from '../status/node-facts.js'

/** Reads the GPUs, and says what to do where that failed. Never rejects. */
export type ReadSample = () => Promise<Pick<NodeSample, 'reading' | 'advice'>>

const SAY_IT = 'or set NODE_TYPE to what this machine is.'

/** What NODE_TYPE=auto means: a source that makes the node type of the GPUs that the VMM lists. */
export function createAutoNodeType(read: ReadSample): NodeTypeSource {
  return async ({ timeoutMs, signal }) => {
    const end = new AbortController()
    try {
      const timer = delay(timeoutMs, undefined, { signal: AbortSignal.any([signal, end.signal]) })
      const sample = await Promise.race([read(), timer.catch(() => undefined)])
      return sample ? toAnswer(sample) : notInTime(timeoutMs)
    } finally {
      end.abort()
    }
  }
}

function toAnswer({ reading, advice }: Awaited<ReturnType<ReadSample>>): NodeTypeAnswer {
  if (!reading.ok) {
    const reason = `NODE_TYPE is auto, but the VMM gave no list of GPUs (${reading.failure}: ${reading.detail})`
    return { ok: false, reason, nextStep: `${advice.replace(/\.$/, '')}; ${SAY_IT}`, final: false }
  }
  const named = nodeTypeOf(reading.gpus)
  if (named.ok) return named
  const reason = `NODE_TYPE is auto, but ${named.reason}`
  if (named.problem === 'no_gpus') {
    return { ok: false, reason, nextStep: `${WHY_NO_GPUS}; ${SAY_IT}`, final: false }
  }
  const nextStep = 'Set NODE_TYPE to what this machine is to be registered as, like node-H200x8.'
  return { ok: false, reason, nextStep, final: true }
}

function notInTime(timeoutMs: number): NodeTypeAnswer {
  return {
    ok: false,
    reason: `NODE_TYPE is auto, but the VMM did not answer within ${timeoutMs} ms`,
    nextStep: `See that the VMM at DSTACK_URL answers, or raise REGISTRATION_TIMEOUT_MS, ${SAY_IT}`,
    final: false,
  }
}
