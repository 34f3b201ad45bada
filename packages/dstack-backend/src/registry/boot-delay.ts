import { BlockList, isIP } from 'node:net'

/** What a start's first request to the registry waits by. */
export interface BootDelayOptions {
  /** How long the machine has been running, in seconds. */
  uptimeSeconds: number
  registryUrl: string
  /** What the registration may take in all, in milliseconds. */
  timeoutMs: number
  /** From 0 to just below 1. */
  random: () => number
}

/** So soon after the machine's own start, ours is a part of it. */
const BOOT_SECONDS = 300
const SPREAD_MS = 2_000
/** The part of the registration's time that may go by at most. */
const SHARE = 0.2

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * How long to wait before the registry is asked for the first time, in milliseconds: a moment by chance where
 * the machine has just booted, since a rack whose power comes back boots as one; else nothing.
 */
export function bootDelayMs(options: BootDelayOptions): number {
  const { uptimeSeconds, registryUrl, timeoutMs, random } = options
  // A registry on this machine is asked by no rack.
  if (uptimeSeconds >= BOOT_SECONDS || isLoopback(registryUrl)) return 0
  return Math.floor(random() * Math.min(SPREAD_MS, SHARE * timeoutMs))
}

function isLoopback(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(host)
  if (family === 0) return /(^|\.)localhost$/.test(host)
  return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
