import { isIP } from 'node:net'
import type { Logger } from '@dstack-node/service-kit'
import { createProxyTest, parseAddressRange } from '../../trusted-proxies.js'
import type { AdminSettings } from './admin-gate.js'

/** Says in the log who may change the list over HTTP, and whether that could be overheard. */
export function announceAdmin(log: Logger, { pubkeys, publicUrl }: AdminSettings): void {
  const { origin, protocol, hostname } = publicUrl
  log.info({ admins: pubkeys.size, origin }, 'administration over HTTP is on (NIP-86)')
  if (protocol === 'https:' || isPrivateHost(hostname)) return
  log.warn(
    { origin },
    'PUBLIC_URL is http: whoever is on the way can read the list and hold changes back; use https',
  )
}

const PRIVATE_RANGES = [
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
].map(parseAddressRange)
const isPrivateAddress = createProxyTest(PRIVATE_RANGES)
/** A name without a dot is known on one network only, like that of a container. */
const PRIVATE_NAME = /^[^.]+$|\.(?:localhost|local|internal|lan|home\.arpa)$/

/** Whether a host, as a URL has it, is this machine or on a network of its owner. */
function isPrivateHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? PRIVATE_NAME.test(bare) : isPrivateAddress(bare)
}
