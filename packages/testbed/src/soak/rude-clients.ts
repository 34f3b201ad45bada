import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { add, type ClientTally } from './tally.js'

interface RudeClient {
  everyMs: number
  /** What it asks, as the service counts it; nothing where it sends no whole request. */
  asks?: string
  /** How many times it asks, without waiting for an answer. */
  times?: number
  bytes: string
  /** How long it stays at most, in milliseconds. */
  staysMs: number
  /** Whether it stays so long, or leaves at any moment before. */
  isPatient?: boolean
}

/**
 * A service ends a connection whose answer nobody reads after 70 s at the latest: it looks every 10 s, allows
 * 30 s, and Node as much again where something had still moved.
 */
const ENDED_AFTER_MS = 80_000
/** So long the rest of an ended connection takes to arrive. */
const REST_MS = 3_000

/** Each asks something that no polite client does: what became of it is not known on this side. */
const rudeClients = (longestMs: number): RudeClient[] => [
  {
    // More than the system's buffers take.
    everyMs: 15_000,
    asks: 'GET /openapi.json',
    times: 1_000,
    bytes: 'GET /openapi.json HTTP/1.1\r\nHost: soak\r\n\r\n',
    staysMs: Math.min(ENDED_AFTER_MS, longestMs),
    isPatient: true,
  },
  {
    everyMs: 250,
    asks: 'HEAD /health',
    bytes: 'HEAD /health HTTP/1.1\r\nHost: soak\r\n\r\n',
    staysMs: 100,
  },
  { everyMs: 500, bytes: '', staysMs: 1_000 },
  { everyMs: 500, bytes: 'GET /health HTTP/1.1\r\nHo', staysMs: 1_000 },
]

/**
 * Lets clients come that read no answer, that leave before there is one, or that never ask, until the
 * signal is aborted; none stays longer than `longestMs`. Resolves when all have gone.
 */
export async function runRudeClients(
  url: string,
  tally: ClientTally,
  signal: AbortSignal,
  longestMs: number,
): Promise<void> {
  const port = Number(new URL(url).port)
  await Promise.all(
    rudeClients(longestMs).map(async (client) => {
      const visits: Promise<void>[] = []
      while (!signal.aborted) {
        visits.push(visit(port, client, tally, signal))
        await delay(client.everyMs, undefined, { signal }).catch(() => undefined)
      }
      await Promise.all(visits)
    }),
  )
}

async function visit(port: number, client: RudeClient, tally: ClientTally, signal: AbortSignal) {
  const { asks, times = 1, bytes, staysMs, isPatient = false } = client
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => undefined)
  if (bytes !== '') socket.write(bytes.repeat(times))
  if (asks !== undefined) add(tally.sent, asks, times)
  const stayMs = isPatient ? staysMs : staysMs * Math.random()
  await delay(stayMs, undefined, { signal }).catch(() => undefined)
  // The end of a connection arrives behind what was not read.
  socket.resume()
  if (stayMs >= ENDED_AFTER_MS && !signal.aborted) {
    await delay(REST_MS)
    if (!socket.closed) tally.kept += 1
  }
  socket.destroy()
}
