import type { Logger } from '@dstack-node/service-kit'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createHostLookup, type Lookup } from './host-lookup.js'
import { interfaceAddress, type Interfaces } from './interface-address.js'
import { sourceAddress, type Route } from './source-address.js'
import { isUsable } from './usable.js'
import type { SetTimer } from '../alarm.js'
import { createContainerHint } from './container-hint.js'
import { createSnapshot, type Snapshot } from '../snapshot.js'

/** The address that is told to others, and how it was found. */
export interface AddressView {
  /** Undefined where none was found. */
  address: string | undefined
  source: 'ADVERTISE_IP' | 'route' | 'interface' | undefined
  /** Whether it is one that only this machine's own containers can reach. */
  containerOnly: boolean
}

/** Reads ADVERTISE_IP: an IPv4 or IPv6 address, the latter also in brackets. Throws an Error for anything else. */
export function parseAdvertisedIp(text: string): string {
  const address = text.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) === 0) throw new Error('must be an IP address, like 203.0.113.7')
  return address
}

/** This machine's address, looked up again when it may have changed; `read` never rejects. */
export interface Address extends Snapshot<AddressView> {
  /** What was found last; undefined before the first. */
  latest: () => AddressView | undefined
}

export interface AddressOptions {
  /** Told in place of one that is found. */
  advertised: string | undefined
  /** The route that leads there is the first choice. */
  registryUrl: string
  log: Logger
  interfaces?: () => Interfaces
  route?: Route
  lookup?: Lookup
  setTimer?: SetTimer
  exists?: (path: string) => boolean
  /** Milliseconds that only ever grow. */
  now?: () => number
}

/** From TEST-NET-1 (RFC 5737): every default route leads there, and nothing is ever sent. */
const DEFAULT_ROUTE_TARGET = '192.0.2.1'
/** Addresses change, by DHCP for one; looking costs next to nothing. */
const FRESH_MS = 15_000
/** Where the interfaces can't be listed, as a sandbox or a lack of open files has it, this or what was. */
const NOT_FOUND: AddressView = { address: undefined, source: undefined, containerOnly: false }

/**
 * Finds the address that others reach this machine by: the one that was set, the one it uses towards the
 * registry, the one it uses towards the world, the first of its own interfaces. Logs when it changes.
 */
export function createAddress(options: AddressOptions): Address {
  const find = createFinder(options)
  let latest: AddressView | undefined
  async function load(): Promise<AddressView> {
    const found = await find().catch(() => latest ?? NOT_FOUND)
    if (latest && latest.address !== found.address) logChange(options.log, latest, found)
    latest = found
    return found
  }
  return { ...createSnapshot(load, () => FRESH_MS, options.now), latest: () => latest }
}

function createFinder({
  advertised,
  registryUrl,
  interfaces = networkInterfaces,
  route = sourceAddress,
  lookup,
  setTimer,
  exists,
}: AddressOptions): () => Promise<AddressView> {
  if (advertised !== undefined) {
    return async () => ({ address: advertised, source: 'ADVERTISE_IP', containerOnly: false })
  }
  const registryAddresses = createHostLookup(hostOf(registryUrl), lookup, setTimer)
  const isContainerOnly = createContainerHint(exists)

  async function routedAddress(): Promise<string | undefined> {
    for (const target of [...(await registryAddresses()), DEFAULT_ROUTE_TARGET]) {
      const address = await route(target)
      if (address !== undefined && isUsable(address)) return address
    }
    return undefined
  }
  return async () => {
    const routed = await routedAddress()
    const address = routed ?? interfaceAddress(interfaces())
    if (address === undefined) return { address, source: undefined, containerOnly: false }
    const source = routed === undefined ? 'interface' : 'route'
    return { address, source, containerOnly: isContainerOnly(address) }
  }
}

/** The host of a URL; an IPv6 address without its brackets. */
function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
}

function logChange(log: Logger, before: AddressView, now: AddressView): void {
  const { address, source } = now
  log.info({ from: before.address ?? null, to: address ?? null, source }, 'address changed')
}
