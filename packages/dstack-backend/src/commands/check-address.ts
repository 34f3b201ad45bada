import type { Logger } from '@dstack-node/service-kit'
import type { Config } from '../config.js'
import { createAddress } from '../address/ip-address.js'
import type { OwnerAddress } from '../owner-address.js'
import { findAddressWarnings, findOwnerWarnings } from '../status/warnings.js'
import { doubtful, well, type Step } from './step.js'

const SOURCES = {
  ADVERTISE_IP: 'as ADVERTISE_IP says',
  route: 'which this machine sends from',
  interface: 'that of its first network interface',
}

/** The address that rewards go to. */
export function checkOwner(owner: OwnerAddress): Step {
  const [warning] = findOwnerWarnings(owner)
  return warning
    ? doubtful('owner', warning.message, warning.nextStep)
    : well('owner', owner.address)
}

/** The address that others are told. One that they can't reach keeps nothing from starting. */
export async function checkAddress(
  { advertisedIp: advertised, registry }: Pick<Config, 'advertisedIp' | 'registry'>,
  log: Logger,
): Promise<Step> {
  const view = await createAddress({ advertised, registryUrl: registry.baseUrl, log }).read()
  const [warning] = findAddressWarnings(view)
  if (warning) return doubtful('address', warning.message, warning.nextStep)
  const source = view.source === undefined ? '' : `, ${SOURCES[view.source]}`
  return well('address', `${view.address ?? ''}${source}`)
}
