import { gpuCards, startSimulatedRegistry } from '@dstack-node/testbed'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { expect } from 'vitest'
import {
  ADVERTISED_IP,
  eventually,
  logOf,
  startAgent,
  type Agent,
  type AgentOptions,
  type Answer,
  type Test,
} from './_agent.js'

/** The stable sentence for each failure. */
const SENTENCES = {
  connect: 'DStack can not be reached',
  timeout: 'DStack did not answer in time',
  auth: 'DStack refused the request as unauthorised',
  http: 'DStack answered with an error',
  invalid: 'the answer is not one of DStack',
  too_large: "DStack's answer is too large",
}

export type Failure = keyof typeof SENTENCES

/** What `GET /` tells, as far as it is looked at here. */
export interface About {
  dstack: { state: string; class?: string; next_step?: string }
  gpus: unknown[] | null
  warnings: { code: string; message: string; next_step: string }[]
}

/** An agent that the registry knows already, and whose VMM is there. */
export async function startKnownAgent(
  test: Test,
  dstackUrl: string,
  { env, ...options }: Partial<AgentOptions> = {},
): Promise<Agent> {
  const registry = await startSimulatedRegistry()
  test.onTestFinished(() => registry.close())
  const key = makeKey()
  registry.permit(key.hex)
  const variables = { REGISTRY_URL: registry.url, DSTACK_URL: dstackUrl, ...env }
  return startAgent(test, { key, env: variables, ...options })
}

/** The bytes of `/health`. */
export function healthBody({ key }: Agent, status: string, metadata: string): string {
  return (
    `{"version":"1.0.0","topic":"dstack-gpu-monitor","pubkeys":["${key.hex}"],"status":"${status}",` +
    `"metadata":${JSON.stringify(metadata)},"ip_address":"${ADVERTISED_IP}"}`
  )
}

/** The text in `/health` for cards as the VMM lists them. */
export function metadataOf(gpus: readonly object[], allowAttachAll = true): string {
  return `{"gpu_count":${gpus.length},"gpus":${JSON.stringify(gpus)},"allow_attach_all":${allowAttachAll}}`
}

/** The text for the VMM of the testbed, as it is from the start. */
export const ONE_H200 = metadataOf(gpuCards('H200', 1))

export async function askAbout(agent: Agent): Promise<About> {
  return JSON.parse((await agent.ask('/')).text) as About
}

/** Waits for the failure, and sees that everybody is told of it in the same way. */
export async function expectUnavailable(
  agent: Agent,
  failure: Failure,
  nextStep: RegExp,
): Promise<void> {
  const sentence = SENTENCES[failure]
  const health = await untilHealth(agent, healthBody(agent, 'Unavailable', `Error: ${sentence}`))
  expect(health.status).toBe(503)
  expect(health.headers.get('retry-after')).toMatch(/^[1-9]\d?$/)

  const { dstack, gpus, warnings } = await askAbout(agent)
  expect(dstack).toMatchObject({ state: 'unavailable', reason: sentence, class: failure })
  expect(dstack.next_step).toMatch(nextStep)
  expect(gpus).toBeNull()
  expect(warnings).toEqual([
    { code: `dstack_${failure}`, message: sentence, next_step: dstack.next_step },
  ])

  const ready = await agent.ask('/readyz')
  expect([ready.status, ready.text]).toEqual([503, `{"status":"not_ready","reason":"${sentence}"}`])
  expect((await agent.ask('/livez')).status).toBe(200)
  const metrics = await readMetrics(agent)
  expect(metrics).toContain(`dstack_node_warning{code="dstack_${failure}"} 1`)
  expect(metrics).toContain('dstack_vmm_up 0')
  expect(metrics.filter((line) => line.startsWith('dstack_gpu'))).toEqual([
    'dstack_gpus_expected 1',
  ])
  const logged = logOf(agent).filter(({ msg }) => msg === 'DStack does not answer')
  expect(logged).toMatchObject([{ level: 'warn', failure, next_step: dstack.next_step }])
}

/** Waits until the GPUs are told again, and sees that nothing is wrong but what is said. */
export async function expectAvailable(
  agent: Agent,
  metadata = ONE_H200,
  warnings: readonly string[] = [],
): Promise<void> {
  const health = await untilHealth(agent, healthBody(agent, 'Available', metadata))
  expect(health.status).toBe(200)
  expect(health.headers.has('retry-after')).toBe(false)
  const about = await askAbout(agent)
  expect(about.dstack.state).toBe('available')
  expect(about.warnings.map(({ code }) => code)).toEqual(warnings)
  expect((await agent.ask('/readyz')).status).toBe(200)
  const metrics = await readMetrics(agent)
  expect(metrics).toContain('dstack_vmm_up 1')
  expect(metrics.filter((line) => line.startsWith('dstack_node_warning{'))).toEqual(
    warnings.map((code) => `dstack_node_warning{code="${code}"} 1`),
  )
}

async function untilHealth(agent: Agent, body: string): Promise<Answer> {
  const health = await eventually(
    () => agent.ask('/health'),
    ({ text }) => text === body,
  )
  expect(health.text).toBe(body)
  expect(health.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(health.headers.get('cache-control')).toBe('no-store')
  expect(health.headers.get('x-sample-age-ms')).toMatch(/^\d+$/)
  return health
}

/** The samples of `/metrics`; each line of it must be one that Prometheus reads. */
export async function readMetrics(agent: Agent): Promise<string[]> {
  const { text } = await agent.ask('/metrics')
  const lines = text.trimEnd().split('\n')
  const samples = lines.filter((line) => line !== '' && !line.startsWith('# '))
  for (const line of samples) {
    expect(line).toMatch(
      /^[a-z0-9_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? \S+$/,
    )
  }
  return samples
}
