import { Agent, get } from 'node:http'

/** Asks once and tells the status and how long the answer took, in milliseconds. */
export function ask(url: string, agent?: Agent): Promise<{ status: number; ms: number }> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    get(url, { ...(agent && { agent }) }, (response) => {
      response.resume()
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, ms: performance.now() - began })
      })
    }).once('error', reject)
  })
}

/** Sends `count` requests over `connections` kept connections; throws unless each is answered 200. */
export async function askMany(url: string, count: number, connections: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = count
  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1
      const { status } = await ask(url, agent)
      if (status !== 200) throw new Error(`${url} answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
}

/** The longest of the requests sent one after the other until `until` settles, in milliseconds. */
export async function slowestWhile(url: string, until: Promise<unknown>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const state = { done: false }
  const mark = () => (state.done = true)
  void until.then(mark, mark)
  let slowest = 0
  while (!state.done) slowest = Math.max(slowest, (await ask(url, agent)).ms)
  agent.destroy()
  return slowest
}
