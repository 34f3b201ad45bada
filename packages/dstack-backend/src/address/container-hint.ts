import { existsSync } from 'node:fs'
import { BlockList, isIPv4 } from 'node:net'

/** What Docker and Podman put into their containers. */
const MARKERS = ['/.dockerenv', '/run/.containerenv']

/** Where Docker takes its networks from (RFC 1918, the middle range). */
const BRIDGES = new BlockList()
BRIDGES.addSubnet('172.16.0.0', 12)

/** Tells whether an address is likely to be that of a container on a bridge, which other machines can't reach. */
export function createContainerHint(
  exists: (path: string) => boolean = existsSync,
): (address: string) => boolean {
  const isContainer = MARKERS.some((path) => exists(path))
  return (address) => isContainer && isIPv4(address) && BRIDGES.check(address)
}
