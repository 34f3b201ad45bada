import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { runTool } from '@dstack-node/testbed/test-tools/run-tool'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GpuReading } from '../../src/dstack/dstack-client.js'
import { DOWN, listing, makeGpus, OWNER, THEN } from '../_facts.js'
import { makeServer, PUBKEY, type TestServer } from '../_server.js'

const promtool = findProgram('promtool')
const THEN_SECONDS = Math.floor(THEN.getTime() / 1000)

async function scrape({ app }: TestServer): Promise<string> {
  return (await app.inject('/metrics')).body
}

/** The service after the VMM was asked once. */
async function sampled(...args: Parameters<typeof makeServer>): Promise<TestServer> {
  const server = await makeServer(...args)
  await server.monitor.read()
  return server
}

/** The lines of one family, without its name. */
async function seriesOf(server: TestServer, family: string): Promise<string[]> {
  return (await scrape(server))
    .split('\n')
    .filter((line) => line.startsWith(`${family} `) || line.startsWith(`${family}{`))
    .map((line) => line.slice(family.length).trim())
}

async function checkMetrics(input: string) {
  return runTool(promtool ?? '', ['check', 'metrics'], { input })
}

const TOLD_ONLY_WHILE_FRESH = [
  'dstack_gpus',
  'dstack_gpus_free',
  'dstack_gpu_info',
  'dstack_gpu_free',
]

describe('GET /metrics', () => {
  it('answers in the text format, announced exactly as Prometheus wants it', async () => {
    const { app } = await makeServer()
    const response = await app.inject('/metrics')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it.skipIf(promtool === undefined)(
    'pleases promtool check metrics (needs promtool, Debian package prometheus)',
    async () => {
      const ill = await sampled(async () => listing([...makeGpus(2), ...makeGpus(2)]), {
        permission: { problem: 'x' },
        owner: { address: OWNER, warning: 'x' },
      })
      for (const server of [
        await makeServer(),
        await sampled(),
        await sampled(async () => DOWN),
        ill,
      ]) {
        await server.app.inject('/health')
        expect(await checkMetrics(await scrape(server))).toEqual({ code: 0, output: '' })
      }
    },
  )

  it('never asks the VMM', async () => {
    let calls = 0
    const server = await makeServer(async () => {
      calls += 1
      return DOWN
    })
    await scrape(server)
    expect(calls).toBe(0)
  })

  it('tells of the VMM', async () => {
    const readings: GpuReading[] = [DOWN, DOWN]
    const server = await makeServer(async () => {
      server.time.ms += 250
      return readings.shift() ?? listing([])
    })
    expect(await seriesOf(server, 'dstack_vmm_up')).toEqual([])
    expect(await seriesOf(server, 'dstack_vmm_sample_timestamp_seconds')).toEqual([])
    expect(await seriesOf(server, 'dstack_vmm_call_duration_seconds')).toEqual([])
    await server.monitor.read()
    expect(await seriesOf(server, 'dstack_vmm_up')).toEqual(['0'])
    server.time.ms += 1_000
    await server.monitor.read()
    server.time.ms += 1_000
    await server.monitor.read()
    expect(await seriesOf(server, 'dstack_vmm_up')).toEqual(['1'])
    expect(await seriesOf(server, 'dstack_vmm_sample_timestamp_seconds')).toEqual([
      String(Math.floor((THEN.getTime() + server.time.ms) / 1000)),
    ])
    expect(await seriesOf(server, 'dstack_vmm_call_duration_seconds')).toEqual(['0.25'])
    expect(await seriesOf(server, 'dstack_vmm_calls_total')).toEqual([
      '{outcome="ok"} 1',
      '{outcome="connect"} 2',
      '{outcome="timeout"} 0',
      '{outcome="auth"} 0',
      '{outcome="http"} 0',
      '{outcome="invalid"} 0',
      '{outcome="too_large"} 0',
    ])
  })

  it('tells of the GPUs', async () => {
    const server = await sampled()
    expect(await seriesOf(server, 'dstack_gpus')).toEqual(['2'])
    expect(await seriesOf(server, 'dstack_gpus_free')).toEqual(['1'])
    expect(await seriesOf(server, 'dstack_gpus_expected')).toEqual(['2'])
    expect(await seriesOf(server, 'dstack_gpu_info')).toEqual([
      '{slot="18:00.0",product_id="10de:2335",model="H200 SXM 141GB"} 1',
      '{slot="19:00.0",product_id="10de:2335",model="H200 SXM 141GB"} 1',
    ])
    expect(await seriesOf(server, 'dstack_gpu_free')).toEqual([
      '{slot="18:00.0"} 1',
      '{slot="19:00.0"} 0',
    ])
  })

  it('tells of no GPU as a zero', async () => {
    const server = await sampled(async () => listing([]))
    expect(await seriesOf(server, 'dstack_gpus')).toEqual(['0'])
    expect(await seriesOf(server, 'dstack_gpus_free')).toEqual(['0'])
    expect(await seriesOf(server, 'dstack_gpu_info')).toEqual([])
  })

  it('says nothing of GPUs that it does not know of just now', async () => {
    const readings: GpuReading[] = [listing(makeGpus(2)), DOWN]
    const failing = await sampled(async () => readings.shift() ?? DOWN)
    expect(await seriesOf(failing, 'dstack_gpus')).toEqual(['2'])
    failing.time.ms += 2_000
    await failing.monitor.read()
    const old = await sampled()
    old.time.ms += 60_001
    for (const server of [failing, old, await makeServer()]) {
      for (const family of TOLD_ONLY_WHILE_FRESH) {
        expect([family, await seriesOf(server, family)]).toEqual([family, []])
      }
    }
    expect(await seriesOf(failing, 'dstack_vmm_up')).toEqual(['0'])
    expect(await seriesOf(old, 'dstack_vmm_up')).toEqual(['0'])
  })

  it('leaves out how many GPUs are expected where nobody said', async () => {
    expect(await seriesOf(await makeServer(), 'dstack_gpus_expected')).toEqual(['2'])
    const server = await makeServer(undefined, { expected: undefined })
    expect(await seriesOf(server, 'dstack_gpus_expected')).toEqual([])
  })

  it('counts a slot that is listed twice once', async () => {
    const server = await sampled(async () => listing([...makeGpus(2), ...makeGpus(1, '10de:2901')]))
    expect(await seriesOf(server, 'dstack_gpus')).toEqual(['2'])
    expect(await seriesOf(server, 'dstack_gpu_info')).toHaveLength(2)
    expect(await seriesOf(server, 'dstack_node_warning')).toContain('{code="duplicate_slots"} 1')
  })

  it('has at most 256 slots, however many the VMM lists', async () => {
    const gpus = Array.from({ length: 1000 }, (_, index) => ({
      slot: `${index}`,
      productId: '10de:2335',
      description: '',
      isFree: true,
    }))
    const server = await sampled(async () => listing(gpus))
    expect(await seriesOf(server, 'dstack_gpus')).toEqual(['1000'])
    expect(await seriesOf(server, 'dstack_gpu_info')).toHaveLength(256)
    expect(await seriesOf(server, 'dstack_gpu_free')).toHaveLength(256)
  })

  it('stays a text that Prometheus reads, whatever the VMM says', async () => {
    let gpus = makeGpus(0)
    const server = await makeServer(async () => listing(gpus))
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    const gpu = fc.record({ slot: text, productId: text, description: text, isFree: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(gpu, { maxLength: 20 }), async (listed) => {
        gpus = listed
        server.time.ms += 2_000
        await server.monitor.read()
        const lines = (await scrape(server))
          .split('\n')
          .filter((line) => line.startsWith('dstack_gpu'))
        for (const line of lines) expect(line).toMatch(LINE)
        const slots = lines.map((line) => /^dstack_gpu_free\{(.*)\} /.exec(line)?.[1])
        const told = slots.filter((slot) => slot !== undefined)
        expect(new Set(told).size).toBe(told.length)
      }),
    )
  })

  it('tells what this machine is', async () => {
    const server = await makeServer()
    expect(await seriesOf(server, 'dstack_node_info')).toEqual([
      `{version="1.2.3",node_type="node-H200x2",pubkey="${PUBKEY}"} 1`,
    ])
    server.facts.nodeType = undefined
    expect(await seriesOf(server, 'dstack_node_info')).toEqual([
      `{version="1.2.3",node_type="",pubkey="${PUBKEY}"} 1`,
    ])
  })

  it('has a series for each warning while it lasts', async () => {
    const server = await makeServer(undefined, {
      owner: { address: OWNER, warning: 'OWNER_ADDRESS: a digit may be wrong' },
      permission: { problem: 'x' },
    })
    expect(await seriesOf(server, 'dstack_node_warning')).toEqual([
      '{code="registry_unreachable"} 1',
      '{code="owner_address"} 1',
    ])
    server.facts.permission = {}
    expect(await seriesOf(server, 'dstack_node_warning')).toEqual(['{code="owner_address"} 1'])
  })

  it('tells what the network says of the key, and as of when', async () => {
    const server = await makeServer()
    const families = [
      'dstack_registered_timestamp_seconds',
      'dstack_registry_permission',
      'dstack_registry_permission_timestamp_seconds',
      'dstack_whitelist_listed',
      'dstack_whitelist_listed_timestamp_seconds',
    ]
    const read = () => Promise.all(families.map((family) => seriesOf(server, family)))
    const then = String(THEN_SECONDS)
    expect(await read()).toEqual([[then], ['1'], [then], ['1'], [then]])
    const permission = { answer: { value: { allowed: false }, at: THEN } }
    const whitelist = { answer: { value: { code: 'banned' as const }, at: THEN } }
    Object.assign(server.facts, { permission, whitelist })
    expect(await read()).toEqual([[then], ['0'], [then], ['0'], [then]])
    // What was said before tells nothing of now; when that was still does.
    server.facts.permission = { ...permission, problem: 'x' }
    server.facts.whitelist = { ...whitelist, problem: 'x' }
    expect(await read()).toEqual([[then], [], [then], [], [then]])
    server.facts.permission = { problem: 'x' }
    server.facts.whitelist = {}
    expect(await read()).toEqual([[then], [], [], [], []])
    server.facts.whitelist = undefined
    expect(await read()).toEqual([[then], [], [], [], []])
  })

  it('counts the answers by method, route and status, and tells of the process', async () => {
    const server = await makeServer(async () => DOWN)
    await server.app.inject('/health')
    await server.app.inject('/health')
    await server.app.inject('/readyz')
    const counts = await seriesOf(server, 'http_requests_total')
    expect(counts).toContain('{method="GET",route="/health",status="503"} 2')
    expect(counts).toContain('{method="GET",route="/readyz",status="503"} 1')
    expect(await seriesOf(server, 'service_build_info')).toEqual([
      '{service="dstack-backend",version="1.2.3"} 1',
    ])
    expect(await seriesOf(server, 'process_resident_memory_bytes')).toHaveLength(1)
  })
})

/** A series as the text format has it: no control character, quotes and backslashes escaped. */
const LINE = /^dstack_gpu\w*(\{(\w+="([^"\\\p{Cc}\p{Cs}]|\\["\\n])*",?)+\})? \d+$/u
