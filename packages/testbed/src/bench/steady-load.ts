import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Socket } from 'node:net'
import { getRequest, onAnswer, open } from './raw-client.js'

/** Requests that are sent at fixed moments, whether the ones before are answered or not. */
export interface SteadyLoad {
  url: string
  path: string
  perSecond: number
  seconds: number
  /** Kept all the time; each has one request under way at most. */
  connections: number
  /** What each answer must have. */
  status: number
}

/** Timers come late: so long before a request is due, the clock is watched instead. */
const WATCH_MS = 3

/**
 * How long each answer took, in milliseconds. A request that finds all connections taken counts from the moment
 * when it was due: a server that stalls makes those late that would have come meanwhile, too. Throws for
 * another status and for a connection that ends.
 */
export async function sendSteadily(load: SteadyLoad): Promise<number[]> {
  const sockets = await Promise.all(Array.from({ length: load.connections }, () => open(load.url)))
  try {
    return await sendOver(sockets, load)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function sendOver(sockets: readonly Socket[], load: SteadyLoad): Promise<number[]> {
  const { url, path, perSecond, seconds, status } = load
  const request = getRequest(path)
  const total = perSecond * seconds
  const took: number[] = []
  const began = new Map<Socket, number>()
  const idle = [...sockets]
  const state = { failure: '' }
  for (const socket of sockets) {
    onAnswer(socket, (answered) => {
      took.push(performance.now() - (began.get(socket) ?? Number.NaN))
      idle.push(socket)
      if (answered !== status) state.failure ||= `answered ${answered}`
    })
    socket.on('error', () => undefined)
    socket.once('close', () => (state.failure ||= 'ended a connection'))
  }
  const startMs = performance.now()
  const dueMs = (index: number) => startMs + (index * 1000) / perSecond
  let sent = 0
  let allTaken = false
  while (took.length < total && state.failure === '') {
    while (sent < total && dueMs(sent) <= performance.now()) {
      const socket = idle.shift()
      if (!socket) {
        allTaken = true
        break
      }
      // Where a connection was free, it is this client that comes late.
      began.set(socket, allTaken ? dueMs(sent) : performance.now())
      socket.write(request)
      sent += 1
    }
    if (idle.length > 0) allTaken = false
    const restMs = sent < total ? dueMs(sent) - performance.now() : 0
    await (restMs > WATCH_MS ? delay(restMs - WATCH_MS + 1) : turn())
  }
  if (state.failure !== '') throw new Error(`${url}${path} ${state.failure}`)
  return took
}
