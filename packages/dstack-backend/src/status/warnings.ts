import { describeFailure } from '../backend-info.js'
import { findInventoryWarnings } from '../inventory/find-warnings.js'
import type { AddressView } from '../address/ip-address.js'
import type { OwnerAddress } from '../owner-address.js'
import { findPermissionWarnings, findWhitelistWarnings } from './network-warnings.js'
import type { NodeFacts, Warning } from './node-facts.js'

/** What an operator should look at; empty where all is well. */
export function findWarnings(facts: NodeFacts): Warning[] {
  return [
    ...findDstackWarnings(facts),
    ...findPermissionWarnings(facts.permission),
    ...findWhitelistWarnings(facts.whitelist),
    ...findAddressWarnings(facts.address),
    ...findOwnerWarnings(facts.owner),
  ]
}

function findDstackWarnings({ sample, expected }: NodeFacts): Warning[] {
  if (sample === undefined) return []
  const { reading, advice } = sample
  if (reading.ok) return findInventoryWarnings(expected, reading.gpus)
  const { failure } = reading
  return [{ code: `dstack_${failure}`, message: describeFailure(failure), nextStep: advice }]
}

/** What is wrong with the address that others are told; nothing before it was looked for. */
export function findAddressWarnings(view: AddressView | undefined): Warning[] {
  if (view === undefined) return []
  const { address, containerOnly } = view
  if (address === undefined) {
    return [
      {
        code: 'no_address',
        message: 'this machine has no address that others could reach',
        nextStep: 'Set ADVERTISE_IP to its address, or give it a route to the network.',
      },
    ]
  }
  if (!containerOnly) return []
  return [
    {
      code: 'container_address',
      message: `${address} is an address inside a container network, which other machines don't reach`,
      nextStep:
        "Set ADVERTISE_IP to the machine's own address, or give the container the host's network.",
    },
  ]
}

/** What is doubtful about the address that rewards go to. */
export function findOwnerWarnings({ warning }: OwnerAddress): Warning[] {
  if (warning === undefined) return []
  return [
    {
      code: 'owner_address',
      message: warning,
      nextStep: 'Set OWNER_ADDRESS to the address as your wallet shows it, and start again.',
    },
  ]
}
