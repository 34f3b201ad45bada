import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { runTool } from '@dstack-node/testbed/test-tools/run-tool'
import { describe, expect, it } from 'vitest'
import { makeServer, type TestServer } from '../_server.js'

const key = makeKey()
const stranger = makeKey()
const promtool = findProgram('promtool')

async function scrape({ app }: TestServer): Promise<string> {
  return (await app.inject('/metrics')).body
}

/** The value of the one line that begins so. */
async function valueOf(server: TestServer, series: string): Promise<number | undefined> {
  const line = (await scrape(server)).split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

function answered(method: string, route: string, status: number): string {
  return `http_requests_total{method="${method}",route="${route}",status="${status}"}`
}

/** Asks for everything once, in ways that are answered well and in others. */
async function askEverything({ app }: TestServer): Promise<void> {
  const spellings = [key.npub, key.hex, stranger.nprofile, key.nsec, 'hunter2']
  const urls = spellings.flatMap((text) => [
    `/api/check/${text}`,
    `/api/check?pubkey=${text}`,
    `/api/whitelist?pubkey=${text}`,
    `/api/list?format=${text}`,
    `/auth?pubkey=${text}`,
    `/${text}`,
  ])
  for (const url of ['/', '/health', '/ready', '/livez', '/openapi.json', '/metrics', ...urls]) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE'] as const) {
      await app.inject({ method, url, headers: { authorization: `Nostr ${key.nsec}` } })
    }
  }
  await app.inject({ method: 'POST', url: '/api/whitelist', payload: { pubkeys: spellings } })
}

describe('GET /metrics', () => {
  it('answers in the text format, announced exactly as Prometheus wants it', async () => {
    const { app } = await makeServer([key.npub])
    const response = await app.inject('/metrics')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(response.body).toMatch(/\n$/)
  })

  it.skipIf(promtool === undefined)(
    'pleases promtool check metrics (needs promtool, Debian package prometheus)',
    async () => {
      const server = await makeServer([key.npub, 'x'])
      await askEverything(server)
      const input = await scrape(server)
      const result = await runTool(promtool ?? '', ['check', 'metrics'], { input })
      expect(result).toEqual({ code: 0, output: '' })
    },
  )

  it('never has a key, a secret or a text that was asked for', async () => {
    const server = await makeServer([key.npub, stranger.hex, 'hunter2'], {
      meta: { [key.hex]: { label: 'Ann' } },
      banned: { [stranger.hex]: { reason: 'spam' } },
    })
    await askEverything(server)
    const text = await scrape(server)
    for (const { hex, npub, nprofile, nsec } of [key, stranger]) {
      for (const spelling of [hex, npub, nprofile, nsec]) {
        expect(text).not.toContain(spelling.slice(0, 16))
      }
    }
    expect(text).not.toMatch(/hunter2|Ann|spam|[0-9a-f]{64}|npub1|nsec1/)
  })

  it('tells of the list', async () => {
    const server = await makeServer([key.npub, key.hex, stranger.hex, 'x', 'y', 'x'], {
      banned: { [stranger.hex]: {}, ['c'.repeat(64)]: {} },
    })
    expect(await valueOf(server, 'whitelist_keys')).toBe(1)
    expect(await valueOf(server, 'whitelist_entries')).toBe(6)
    expect(await valueOf(server, 'whitelist_invalid_entries')).toBe(3)
    expect(await valueOf(server, 'whitelist_banned_keys')).toBe(2)
    expect(await valueOf(server, 'whitelist_loaded_timestamp_seconds')).toBe(1_767_323_045)
    expect(await valueOf(server, 'whitelist_file_ok')).toBe(1)
    server.state.problem = 'it is gone'
    expect(await valueOf(server, 'whitelist_file_ok')).toBe(0)
  })

  it('tells what runs, and of the process', async () => {
    const server = await makeServer([])
    const series = 'service_build_info{service="whitelist-service",version="1.2.3"}'
    expect(await valueOf(server, series)).toBe(1)
    expect(await valueOf(server, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  })

  it('counts the answers by method, route and status', async () => {
    const server = await makeServer([key.npub])
    const { app } = server
    await app.inject(`/api/check?pubkey=${key.npub}`)
    await app.inject(`/api/check?pubkey=${key.hex}`)
    await app.inject(`/api/check?pubkey=${stranger.hex}`)
    await app.inject(`/api/check/${stranger.hex}`)
    await app.inject({ method: 'HEAD', url: `/api/check/${stranger.hex}` })
    await app.inject('/api/whitelist?pubkey=')
    await app.inject({ method: 'POST', url: '/api/whitelist', payload: { pubkeys: [] } })
    await app.inject('/api/list')
    await app.inject({ url: '/api/list', headers: { 'if-none-match': '*' } })
    await app.inject('/livez')
    const counts = [
      [answered('GET', '/api/check', 200), 2],
      [answered('GET', '/api/check', 403), 1],
      [answered('GET', '/api/check/:pubkey', 403), 1],
      [answered('HEAD', '/api/check/:pubkey', 403), 1],
      [answered('GET', '/api/whitelist', 400), 1],
      [answered('POST', '/api/whitelist', 200), 1],
      [answered('GET', '/api/list', 200), 1],
      [answered('GET', '/api/list', 304), 1],
      [answered('GET', '/livez', 200), 1],
    ] as const
    for (const [series, count] of counts) {
      expect([series, await valueOf(server, series)]).toEqual([series, count])
    }
  })

  it('counts what never came to a route of its own', async () => {
    const server = await makeServer([])
    const { app } = server
    const type = (name: string) => ({ 'content-type': name })
    const post = (headers: Record<string, string>, payload: string) =>
      app.inject({ method: 'POST', url: '/api/whitelist', headers, payload })
    await post(type('application/json'), '{')
    await post(type('text/plain'), '{}')
    await post(type('application/json'), `"${'x'.repeat(2 * 1024 * 1024)}"`)
    await app.inject('/nothing/here')
    await app.inject('/nothing/there')
    await app.inject({ method: 'DELETE', url: '/api/list' })
    await app.inject({ method: 'OPTIONS', url: '/api/list' })
    const counts = [
      [answered('POST', '/api/whitelist', 400), 1],
      [answered('POST', '/api/whitelist', 415), 1],
      [answered('POST', '/api/whitelist', 413), 1],
      [answered('GET', 'unknown', 404), 2],
      [answered('DELETE', 'unknown', 405), 1],
      [answered('OPTIONS', '*', 204), 1],
    ] as const
    for (const [series, count] of counts) {
      expect([series, await valueOf(server, series)]).toEqual([series, count])
    }
  })

  it('has no more series after many addresses and keys than after a few', async () => {
    const server = await makeServer([key.npub])
    const askFor = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        await server.app.inject(`/${index}`)
        await server.app.inject(`/api/check/${index.toString(16).padStart(64, '0')}`)
      }
    }
    const series = async () => (await scrape(server)).match(/^http_requests_total\{/gm)?.length
    await askFor(2)
    await scrape(server)
    const few = await series()
    await askFor(200)
    expect(await series()).toBe(few)
  })

  it('answers scrapes that come at once', async () => {
    const server = await makeServer([key.npub])
    await server.app.inject('/livez')
    const texts = await Promise.all([scrape(server), scrape(server), scrape(server)])
    const line = `${answered('GET', '/livez', 200)} 1`
    for (const text of texts) expect(text.split('\n').filter((one) => one === line)).toHaveLength(1)
  })
})
