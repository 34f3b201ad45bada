import { describeFailure } from '../backend-info.js'
import type { Gpu } from '../dstack/dstack-client.js'
import type { Identity } from '../identity/identity.js'
import { modelOf } from '../inventory/gpu-model.js'
import type { Observation } from '../network-view/observation.js'
import type { NodeFacts, NodeSample } from './node-facts.js'
import type { NodeStatus } from './node-status-schema.js'
import { findWarnings } from './warnings.js'

/** Which machine it is, and what runs on it. */
export interface NodeNames {
  identity: Pick<Identity, 'pubkey' | 'npub'>
  version: string
}

const ENDPOINTS = {
  'GET /health': 'GPUs, address and public key, as the worker reads them',
  'GET /readyz': 'whether DStack lists its GPUs: 200 or 503',
  'GET /livez': 'whether the process answers',
  'GET /metrics': 'figures for Prometheus',
  'GET /openapi.json': 'all of this for machines (OpenAPI 3.1)',
  'GET /': 'this page',
}

/** What `GET /` answers: what this service is and how it stands with everything around it. */
export function toNodeStatus({ identity, version }: NodeNames, facts: NodeFacts): NodeStatus {
  const { owner, nodeType, registration, sample, address } = facts
  return {
    service: 'dstack-backend',
    description: 'Tells a message-network worker about the GPUs of this machine.',
    version,
    pubkey: identity.pubkey,
    npub: identity.npub,
    owner: owner.address,
    node_type: nodeType ?? null,
    ip_address: address?.address ?? null,
    registration: {
      state: 'registered',
      how: registration.how,
      registered_at: registration.registeredAt.toISOString(),
    },
    dstack: describeDstack(sample),
    expected: describeExpected(facts),
    gpus: sample?.reading.ok === true ? sample.reading.gpus.map(describeGpu) : null,
    permission: describePermission(facts),
    whitelist: describeWhitelist(facts),
    address: { ip: address?.address ?? null, source: address?.source ?? null },
    warnings: findWarnings(facts).map(({ code, message, nextStep }) => ({
      code,
      message,
      next_step: nextStep,
    })),
    endpoints: ENDPOINTS,
  }
}

function describeDstack(sample: NodeSample | undefined): NodeStatus['dstack'] {
  if (sample === undefined) return { state: 'unknown' }
  const { reading, advice } = sample
  const sampled_at = sample.takenAt.toISOString()
  if (!reading.ok) {
    const reason = describeFailure(reading.failure)
    return { state: 'unavailable', reason, class: reading.failure, next_step: advice, sampled_at }
  }
  return {
    state: 'available',
    gpu_count: reading.gpus.length,
    free_gpu_count: reading.gpus.filter(({ isFree }) => isFree).length,
    sampled_at,
  }
}

function describeGpu(gpu: Gpu) {
  return {
    slot: gpu.slot,
    product_id: gpu.productId,
    model: modelOf(gpu)?.name ?? null,
    description: gpu.description,
    is_free: gpu.isFree,
  }
}

function describeExpected({ expected }: NodeFacts): NodeStatus['expected'] {
  return expected ? { model: expected.model ?? null, count: expected.count } : null
}

function describePermission({ permission }: NodeFacts): NodeStatus['permission'] {
  return { allowed: permission.answer?.value.allowed ?? null, ...describeCheck(permission) }
}

function describeWhitelist({ whitelist }: NodeFacts): NodeStatus['whitelist'] {
  return whitelist
    ? { code: whitelist.answer?.value.code ?? null, ...describeCheck(whitelist) }
    : null
}

function describeCheck({ answer, problem }: Observation<unknown>) {
  return {
    checked_at: answer?.at.toISOString() ?? null,
    ...(problem !== undefined && { problem }),
  }
}
