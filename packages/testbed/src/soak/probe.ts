import { once } from 'node:events'
import { createServer } from 'node:http'
import { Socket, type AddressInfo } from 'node:net'
import { queryObjects } from 'node:v8'

/** What lives in a process after a garbage collection. */
export interface Living {
  heapBytes: number
  residentBytes: number
  /** Also those that keep no process alive, which no metric of Node's counts. */
  timers: number
  sockets: number
}

/** Serves what lives in this process, counted anew for each request, and tells the URL. */
export async function startProbe(): Promise<string> {
  const server = createServer((_request, response) => {
    response.end(JSON.stringify(countLiving()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function countLiving(): Living {
  const timer = setTimeout(() => undefined, 0)
  clearTimeout(timer)
  // Counting collects the garbage first.
  const timers = queryObjects(timer.constructor, { format: 'count' })
  const sockets = queryObjects(Socket, { format: 'count' })
  const { heapUsed: heapBytes, rss: residentBytes } = process.memoryUsage()
  return { heapBytes, residentBytes, timers, sockets }
}
