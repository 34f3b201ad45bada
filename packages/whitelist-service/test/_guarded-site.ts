import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, request as openRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startBuiltProgram, type BuiltProgram } from '@dstack-node/testbed/built-program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { expect } from 'vitest'
import { SITE } from './_auth.js'
import { documentedEnv, type Proxy, type StartProxy } from './_proxies.js'

/** A request of a client, to the root with GET where nothing else is said. */
export interface Question {
  method?: string
  uri?: string
  headers?: Record<string, string | string[]>
  body?: string
}

/** What the application behind the proxy sees of a request. */
export interface Seen {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** An application, a proxy before it, and a whitelist service that the proxy asks. */
export interface GuardedSite {
  whitelist: BuiltProgram
  /** Replaces the list in the file. */
  writeList: (list: object) => Promise<void>
  /** Expects a request to get through, and tells what the application saw. */
  admit: (question: Question) => Promise<Seen>
  /** Expects a request to be refused, with the application none the wiser. */
  refuse: (question: Question) => Promise<Answer>
  stop: () => Promise<void>
}

const APPLICATION = 'the application'

/** Starts all three, each on a port of its own; where one does not start, the others end. */
export async function startGuardedSite(
  startProxy: StartProxy,
  proxyFile: string,
  list: object,
): Promise<GuardedSite> {
  const folder = await temporaryFolder()
  const path = join(folder, 'whitelist.json')
  const writeList = (list: object) => writeFile(path, JSON.stringify(list))
  await writeList(list)
  const application = await startApplication()
  const env = { ...documentedEnv(), LISTEN_ADDR: '127.0.0.1:0', WHITELIST_FILE: path }
  const whitelist = startBuiltProgram('whitelist', { env, cwd: folder })
  const stopBackends = async () => {
    await whitelist.stop()
    application.close()
  }
  try {
    const backends = { whitelist: new URL(await whitelist.url).host, application: application.host }
    const proxy = await startProxy(proxyFile, backends)
    const stop = () => proxy.stop().finally(stopBackends)
    return { whitelist, writeList, stop, ...createClient(proxy, application.seen) }
  } catch (error) {
    await stopBackends()
    throw error
  }
}

function createClient(proxy: Proxy, seen: Seen[]): Pick<GuardedSite, 'admit' | 'refuse'> {
  return {
    admit: async (question) => {
      const { status, body } = await send(proxy, question)
      expect([status, body]).toEqual([200, question.method === 'HEAD' ? '' : APPLICATION])
      const [only, ...more] = seen.splice(0)
      expect(more).toEqual([])
      if (!only) throw new Error('the application has seen nothing')
      return only
    },
    refuse: async (question) => {
      const answer = await send(proxy, question)
      expect(seen.splice(0)).toEqual([])
      expect(answer.body).not.toContain(APPLICATION)
      return answer
    },
  }
}

async function startApplication() {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      response.end(APPLICATION)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, seen, close: () => server.close() }
}

function send(
  { port }: Proxy,
  { method = 'GET', uri = '/', headers = {}, body }: Question,
): Promise<Answer> {
  const { host } = new URL(SITE)
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path: uri, agent: false }
    const request = openRequest({ ...options, headers: { host, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}
