import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { duel, throughputRatio, type Opponent } from './duel.js'
import { draw, hexKeys, mixForms } from './keys.js'
import type { Measurement } from './measurement.js'
import { startNginxMap } from './nginx-map.js'
import { getRequest, postRequest } from './raw-client.js'
import { startBesideRivals, type BesideRivals } from './rival-servers.js'
import type { Services } from './services.js'

const KEYS = 100_000
const QUESTIONS = 20_000
const BATCH = 10_000

/**
 * What a check costs on a list of 100,000 keys, npub and hex, half of those asked about being on it: against
 * a bare Fastify and a bare `node:http` server in the same process, and against nginx with a map.
 */
export async function measureAsking(services: Services): Promise<Measurement[]> {
  const folder = await services.folder()
  const keys = mixForms(hexKeys(KEYS))
  await writeFile(join(folder, 'whitelist.json'), JSON.stringify({ pubkeys: keys }))
  const served = await startBesideRivals(services, 'whitelist', folder)
  const nginx = await startNginxMap(await services.folder(), keys)
  try {
    return await compare(served, keys, nginx?.url)
  } finally {
    await Promise.all([served.program.stop(), nginx?.stop()])
  }
}

async function compare({ url, rivals }: BesideRivals, keys: readonly string[], nginx?: string) {
  const asked = draw([...keys, ...mixForms(hexKeys(KEYS))], QUESTIONS)
  const ask = (target: string, path = '/api/check?pubkey='): Opponent => ({
    url: target,
    requests: asked.map((key) => getRequest(path + key)),
  })
  const etag = (await fetch(`${url}/api/list`)).headers.get('etag') ?? ''
  const batch = postRequest('/api/whitelist', { pubkeys: draw(asked, BATCH) })
  const [fastify, check, question] = await duel([
    ask(rivals.fastify),
    ask(url),
    ask(url, '/api/whitelist?pubkey='),
  ])
  // Apart from the others: a batch leaves so much to collect that it slows down whoever comes next.
  const [again, http, unchanged, batches, map] = await duel([
    ask(url),
    ask(rivals.http),
    { url, requests: [getRequest('/api/list', `If-None-Match: ${etag}\r\n`)] },
    { url, requests: [batch], connections: 2 },
    ...(nginx === undefined ? [] : [ask(nginx)]),
  ])
  const ratio = (
    what: string,
    rates: number[] | undefined,
    base: number[] | undefined,
    limit?: number,
  ): Measurement => ({
    what,
    value: throughputRatio(rates, base),
    unit: '×',
    ...(limit !== undefined && { limit, atLeast: true }),
  })
  return [
    ratio('/api/check: throughput, of a bare Fastify route', check, fastify, 0.95),
    ratio('/api/whitelist: throughput, of a bare Fastify route', question, fastify, 0.95),
    ratio('/api/check: throughput, of a bare node:http server', again, http),
    ...(map === undefined
      ? []
      : [ratio('/api/check: throughput, of nginx with a map', again, map)]),
    ratio(
      'checks in a batch of 10,000, of single ones',
      batches?.map((rate) => rate * BATCH),
      again,
      20,
    ),
    ratio('/api/list unchanged (304): throughput, of a check', unchanged, again, 1),
  ]
}
