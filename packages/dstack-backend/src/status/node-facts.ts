import type { GpuReading } from '../dstack/dstack-client.js'
import type { Expectation } from '../inventory/expectation.js'
import type { AddressView } from '../address/ip-address.js'
import type { Observation, PermissionView, WhitelistView } from '../network-view/observation.js'
import type { OwnerAddress } from '../owner-address.js'
import type { Registration } from '../registry/registration.js'

/** What is known of this machine at one moment: what `/`, the metrics and the warnings are made of. */
export interface NodeFacts {
  owner: OwnerAddress
  /** What it is registered as; undefined where NODE_TYPE is `auto` and it is not known yet. */
  nodeType: string | undefined
  registration: Registration
  /** The GPUs it should have; undefined where nobody said. */
  expected: Expectation | undefined
  /** The latest sample of the GPUs; undefined before the first. */
  sample: NodeSample | undefined
  permission: Observation<PermissionView>
  /** Undefined without WHITELIST_URL. */
  whitelist: Observation<WhitelistView> | undefined
  /** Where this machine is reached; undefined before it was looked for. */
  address: AddressView | undefined
}

/** A sample of the GPUs, and what to do where there are none. */
export interface NodeSample {
  reading: GpuReading
  takenAt: Date
  /** The sentence with the next step for a reading that failed; empty for a good one. */
  advice: string
}

/** Something that an operator should look at. */
export interface Warning {
  /** Stable: alerts and the runbook match on it. */
  code: WarningCode
  /** What is wrong, in one sentence. */
  message: string
  /** What to do about it, in one sentence. */
  nextStep: string
}

export type WarningCode = (typeof WARNING_CODES)[number]

/** All of them, in the order in which they are told. */
export const WARNING_CODES = [
  'dstack_connect',
  'dstack_timeout',
  'dstack_auth',
  'dstack_http',
  'dstack_invalid',
  'dstack_too_large',
  'no_gpus',
  'gpus_missing',
  'gpus_extra',
  'wrong_model',
  'unknown_model',
  'duplicate_slots',
  'permission_missing',
  'registry_unreachable',
  'not_whitelisted',
  'whitelist_unreachable',
  'container_address',
  'no_address',
  'owner_address',
] as const
