import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { median } from './measurement.js'
import { onAnswer, open } from './raw-client.js'

/** A server, and the requests that it is sent, one after the other and again from the start. */
export interface Opponent {
  url: string
  requests: readonly Buffer[]
  /** How many requests are under way at once. */
  connections?: number
}

const ROUNDS = 65
const ROUND_MS = 80

/**
 * How many answers a second each opponent gives, round by round. The rounds are short and take turns, so
 * that whatever else the machine does meets all alike. The client parses no more than it must.
 */
export async function duel(opponents: readonly Opponent[]): Promise<number[][]> {
  const teams = await Promise.all(opponents.map((opponent) => createTeam(opponent)))
  const rates = teams.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = [...teams.entries()]
    for (const [index, team] of round % 2 ? order : order.toReversed()) {
      rates[index]?.push(await team.run(ROUND_MS))
    }
  }
  for (const team of teams) team.close()
  // The first rounds are for the compilers.
  return rates.map((values) => values.slice(4))
}

/** How much faster one is than another: the median of what it was in each round. */
export function throughputRatio(
  rates: readonly number[] = [],
  base: readonly number[] = [],
): number {
  return median(rates.map((rate, round) => rate / (base[round] ?? NaN)))
}

async function createTeam({ url, requests, connections = 40 }: Opponent) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(url)))
  let next = 0
  let running = false
  let answers = 0
  let waiting = 0
  const send = (socket: Socket) => {
    waiting += 1
    next = (next + 1) % requests.length
    socket.write(requests[next] ?? '')
  }
  for (const socket of sockets) {
    onAnswer(socket, () => {
      answers += 1
      waiting -= 1
      if (running) send(socket)
    })
  }
  return {
    /** Answers a second while it runs. */
    run: async (ms: number) => {
      answers = 0
      running = true
      const began = performance.now()
      for (const socket of sockets) send(socket)
      await delay(ms)
      const rate = (answers * 1000) / (performance.now() - began)
      running = false
      while (waiting > 0) await delay(1)
      return rate
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
