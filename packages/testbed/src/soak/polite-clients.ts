import { Agent, get, type OutgoingHttpHeaders } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { add, type ClientTally } from './tally.js'

interface Client {
  path: string
  /** The template that the service counts it under, where that is another one. */
  route?: string
  headers?: OutgoingHttpHeaders
  everyMs: number
  /** How many of them there are. */
  count: number
  /** Whether each keeps its connection. */
  keepsConnection: boolean
}

const CLIENTS: readonly Client[] = [
  { path: '/health', everyMs: 100, count: 8, keepsConnection: true },
  { path: '/health', everyMs: 250, count: 1, keepsConnection: false },
  { path: '/metrics', everyMs: 1_000, count: 1, keepsConnection: true },
  { path: '/readyz', everyMs: 1_000, count: 1, keepsConnection: false },
  { path: '/livez', everyMs: 1_000, count: 1, keepsConnection: false },
  { path: '/', everyMs: 1_000, count: 2, keepsConnection: true },
  { path: '/', headers: { accept: 'text/html' }, everyMs: 3_000, count: 1, keepsConnection: false },
  { path: '/nothing', route: 'unknown', everyMs: 1_000, count: 1, keepsConnection: true },
]

/** Lets workers, browsers, probes and Prometheus ask until the signal is aborted; resolves when all are done. */
export async function runPoliteClients(
  url: string,
  tally: ClientTally,
  signal: AbortSignal,
): Promise<void> {
  const clients = CLIENTS.flatMap((client) => Array.from({ length: client.count }, () => client))
  await Promise.all(clients.map((client) => run(url, client, tally, signal)))
}

/** Asks once, counts the answer, and gives its body; an empty one where none came. */
export async function askCounted(
  url: string,
  client: Pick<Client, 'path' | 'route' | 'headers'>,
  tally: ClientTally,
  agent?: Agent,
): Promise<string> {
  const { path, route = path, headers = {} } = client
  try {
    const { status, body } = await ask(url + path, headers, agent)
    add(tally.answers, `GET ${route} ${status}`)
    return body
  } catch (error) {
    add(tally.failures, `GET ${route}: ${error instanceof Error ? error.message : String(error)}`)
    return ''
  }
}

async function run(url: string, client: Client, tally: ClientTally, signal: AbortSignal) {
  const agent = new Agent({ keepAlive: client.keepsConnection, maxSockets: 1 })
  const wait = (milliseconds: number) =>
    delay(milliseconds, undefined, { signal }).catch(() => undefined)
  // Not all at the same moment.
  await wait(Math.random() * client.everyMs)
  while (!signal.aborted) {
    await askCounted(url, client, tally, agent)
    await wait(client.everyMs)
  }
  agent.destroy()
}

function ask(url: string, headers: OutgoingHttpHeaders, agent: Agent | undefined) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    get(url, { headers, ...(agent && { agent }) }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body })
      })
      response.once('error', reject)
    }).once('error', reject)
  })
}
