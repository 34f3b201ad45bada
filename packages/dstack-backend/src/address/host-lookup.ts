import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setSystemTimer, type SetTimer } from '../alarm.js'

/** The IP addresses of a name. */
export type Lookup = (host: string) => Promise<{ address: string; family: number }[]>

/** So long a first look-up is waited for, in milliseconds: `/health` waits with it. */
const WAIT_MS = 1_000

const lookupAll: Lookup = (host) => systemLookup(host, { all: true })

/**
 * The addresses of a host: of each family the first, IPv4 before IPv6; none while they are not known. The
 * system's look-up may hang for half a minute and cannot be ended: there is one at a time, only the first
 * is waited for, and what was known serves on while it runs or when it fails. Never rejects.
 */
export function createHostLookup(
  host: string,
  lookup: Lookup = lookupAll,
  setTimer: SetTimer = setSystemTimer,
): () => Promise<string[]> {
  if (isIP(host) > 0) return async () => [host]
  let known: string[] = []
  let running: Promise<void> | undefined

  async function refresh(): Promise<void> {
    try {
      const found = await lookup(host)
      const firsts = [4, 6].map((wanted) => found.find(({ family }) => family === wanted)?.address)
      known = firsts.filter((address) => address !== undefined)
    } catch {
      // A name that does not resolve now has not moved.
    } finally {
      running = undefined
    }
  }
  return async () => {
    if (running) return known
    running = refresh()
    if (known.length === 0) await settledWithin(running, WAIT_MS, setTimer)
    return known
  }
}

function settledWithin(promise: Promise<void>, ms: number, setTimer: SetTimer): Promise<void> {
  return new Promise((resolve) => {
    const clear = setTimer(resolve, ms)
    void promise.then(() => {
      clear()
      resolve()
    })
  })
}
