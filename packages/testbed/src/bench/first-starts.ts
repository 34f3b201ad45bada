import { Agent } from 'node:http'
import { ask } from './load.js'
import type { Measurement } from './measurement.js'
import type { Services } from './services.js'

/** 500 callers at once on a cold backend: how many calls reach DStack. */
export async function measureColdCallers(services: Services): Promise<Measurement[]> {
  const program = services.start('backend', await services.folder())
  const url = `${await program.url}/health`
  const before = services.vmm.calls
  const agent = new Agent({ keepAlive: true, maxSockets: 500 })
  const answers = await Promise.all(Array.from({ length: 500 }, () => ask(url, agent)))
  agent.destroy()
  const unanswered = answers.filter(({ status }) => status !== 200).length
  const calls = services.vmm.calls - before
  await program.stop()
  return [
    {
      what: 'backend: DStack calls for 500 callers at once',
      value: calls,
      unit: 'calls',
      limit: 1,
    },
    {
      what: 'backend: callers of those left without a 200',
      value: unanswered,
      unit: 'callers',
      limit: 0,
    },
  ]
}

/** Fifty first starts at once on one DATA_DIR: how many different keys they answer with. */
export async function measureFirstStarts(services: Services): Promise<Measurement[]> {
  const folder = await services.folder()
  const programs = Array.from({ length: 50 }, () => services.start('backend', folder))
  const pubkeys = await Promise.all(
    programs.map(async ({ url }) => {
      const response = await fetch(`${await url}/health`)
      return ((await response.json()) as { pubkeys: string[] }).pubkeys[0]
    }),
  )
  await Promise.all(programs.map(({ stop }) => stop()))
  const keys = new Set(pubkeys).size
  return [
    { what: 'backend: keys after fifty first starts at once', value: keys, unit: 'keys', limit: 1 },
  ]
}
