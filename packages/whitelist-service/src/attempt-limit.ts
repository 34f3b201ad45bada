import { isIPv4, isIPv6 } from 'node:net'
import type { Clock } from './clock.js'

/** How many attempts that failed each client has left. */
export interface AttemptLimit {
  /** Whether the client has none left, and is to be turned away before anything is checked. */
  isExhausted: (address: string) => boolean
  /** Takes one away. */
  recordFailure: (address: string) => void
  /** How long until there is one again, in whole seconds; 0 while there is. */
  retryAfterSeconds: (address: string) => number
}

interface AttemptLimitOptions {
  clock: Pick<Clock, 'elapsedMs'>
  /** How many a client has at first, and at most. */
  attempts?: number
  /** How long it takes until one comes back. */
  refillMs?: number
  /** How many clients are remembered. */
  capacity?: number
}

/**
 * Limits what one client address can cost: a signature takes about 3 ms to check, right or wrong. Only
 * failures count. Beyond its capacity it forgets the client whose last failure is the longest ago.
 */
export function createAttemptLimit({
  clock,
  attempts = 20,
  refillMs = 3000,
  capacity = 10_000,
}: AttemptLimitOptions): AttemptLimit {
  /** When a client has all its attempts again; the latest failure stands last. */
  const fullAtMs = new Map<string, number>()

  /** Milliseconds until the client has an attempt. */
  function waitMs(address: string): number {
    const untilFullMs = (fullAtMs.get(networkOf(address)) ?? 0) - clock.elapsedMs()
    return Math.max(0, untilFullMs - (attempts - 1) * refillMs)
  }

  function recordFailure(address: string): void {
    const nowMs = clock.elapsedMs()
    const client = networkOf(address)
    const fullMs = Math.max(nowMs, fullAtMs.get(client) ?? 0) + refillMs
    fullAtMs.delete(client)
    fullAtMs.set(client, Math.min(fullMs, nowMs + attempts * refillMs))
    const [oldest] = fullAtMs.keys()
    if (fullAtMs.size > capacity && oldest !== undefined) fullAtMs.delete(oldest)
  }

  return {
    isExhausted: (address) => waitMs(address) > 0,
    recordFailure,
    retryAfterSeconds: (address) => Math.ceil(waitMs(address) / 1000),
  }
}

/** What counts as one client: an IPv4 address, or the /64 that a single IPv6 host can have for itself. */
function networkOf(address: string): string {
  if (isIPv4(address)) return address
  // What is no address can come from a header, so all of it is one client.
  if (!isIPv6(address)) return 'unknown'
  const groups = groupsOf(address)
  const start = groups.slice(0, 4).join(':')
  // IPv4 in IPv6 (RFC 4291, section 2.5.5.2), as dual-stack sockets show it.
  const isMapped = start === '0:0:0:0' && groups[4] === '0' && groups[5] === 'ffff'
  return isMapped ? dottedOf(groups.slice(6)) : start
}

/** The eight groups of an IPv6 address, in hex without leading zeros. */
function groupsOf(address: string): string[] {
  const [bare = ''] = address.split('%')
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const [head = [], tail = []] = canonical
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail]
}

function dottedOf(groups: string[]): string {
  const bytes = Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
  return bytes.join('.')
}
