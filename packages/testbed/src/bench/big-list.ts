import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { npubEncode } from 'nostr-tools/nip19'
import { ask, slowestWhile } from './load.js'
import type { Measurement } from './measurement.js'
import { residentMb, type Services } from './services.js'

const KEYS = 100_000

/** A list of 100,000 npubs: how long until it is served, and what a reload of it costs a request. */
export async function measureBigList(services: Services): Promise<Measurement[]> {
  const folder = await services.folder()
  const file = join(folder, 'whitelist.json')
  const npubs = Array.from({ length: KEYS }, () => npubEncode(randomBytes(32).toString('hex')))
  await writeFile(file, JSON.stringify({ pubkeys: npubs }))

  const began = performance.now()
  const program = services.start('whitelist', folder)
  const url = await program.url
  await ask(`${url}/health`)
  const up = (performance.now() - began) / 1000

  const check = `${url}/api/whitelist?pubkey=${npubs[0] ?? ''}`
  const quiet = await slowestWhile(check, delay(3_000))
  await writeFile(file, JSON.stringify({ pubkeys: npubs.toReversed().slice(1) }))
  const reloading = await slowestWhile(check, served(url, KEYS - 1))
  await delay(3_000)
  const resident = await residentMb(program)
  await program.stop()
  return [
    { what: 'whitelist: 100,000 npubs, start to first answer', value: up, unit: 's', limit: 4 },
    {
      what: 'whitelist: slowest request while nothing happens',
      value: quiet,
      unit: 'ms',
      limit: 100,
    },
    {
      what: 'whitelist: slowest request during their reload',
      value: reloading,
      unit: 'ms',
      limit: 100,
    },
    { what: 'whitelist: resident memory afterwards', value: resident, unit: 'MB', limit: 250 },
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
