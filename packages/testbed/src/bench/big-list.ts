import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, slowestWhile } from './load.js'
import { hexKeys, toNpubs } from './keys.js'
import type { Measurement } from './measurement.js'
import { residentMb, type Services } from './services.js'

interface ListSize {
  name: string
  keys: () => string[]
  limits: { upS: number; reloadMs: number; residentMb: number }
}

const SIZES: ListSize[] = [
  {
    name: '100,000 npubs',
    keys: () => toNpubs(hexKeys(100_000)),
    limits: { upS: 4, reloadMs: 50, residentMb: 250 },
  },
  {
    name: '1,000,000 hex keys',
    keys: () => hexKeys(1_000_000),
    limits: { upS: 3, reloadMs: 50, residentMb: 250 },
  },
  {
    name: '1,000,000 npubs',
    keys: () => toNpubs(hexKeys(1_000_000)),
    limits: { upS: 15, reloadMs: 50, residentMb: 250 },
  },
]

/** Large lists: how long until they are served, and what a reload of them costs a request. */
export async function measureBigLists(services: Services): Promise<Measurement[]> {
  const measurements: Measurement[] = []
  for (const size of SIZES) measurements.push(...(await measureBigList(services, size)))
  return measurements
}

async function measureBigList(services: Services, { name, keys, limits }: ListSize) {
  const folder = await services.folder()
  const file = join(folder, 'whitelist.json')
  const pubkeys = keys()
  await writeFile(file, JSON.stringify({ pubkeys }))
  const began = performance.now()
  const program = services.start('whitelist', folder)
  const url = await program.url
  await ask(`${url}/ready`)
  const up = (performance.now() - began) / 1000
  await delay(3_000)
  const settled = await residentMb(program)

  const check = `${url}/api/check/${pubkeys[0] ?? ''}`
  const quiet = await slowestWhile(check, delay(3_000))
  await writeFile(`${file}.new`, JSON.stringify({ pubkeys: pubkeys.toReversed().slice(1) }))
  await rename(`${file}.new`, file)
  const reloading = await slowestWhile(check, served(url, pubkeys.length - 1))
  await delay(3_000)
  const after = await residentMb(program)
  await program.stop()
  const line = (what: string, value: number, unit: string, limit?: number): Measurement => ({
    what: `${name}: ${what}`,
    value,
    unit,
    ...(limit !== undefined && { limit }),
  })
  return [
    line('start to first answer', up, 's', limits.upS),
    line('resident memory when settled', settled, 'MB', limits.residentMb),
    line('slowest request while nothing happens', quiet, 'ms'),
    line('slowest request during a reload', reloading, 'ms', limits.reloadMs),
    line('resident memory after the reload', after, 'MB'),
  ]
}

/** Resolves when the service serves that many keys. */
async function served(url: string, keys: number): Promise<void> {
  for (;;) {
    const answer = (await (await fetch(`${url}/health`)).json()) as { keys: number }
    if (answer.keys === keys) return
    await delay(50)
  }
}
