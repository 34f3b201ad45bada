import { setTimeout as delay } from 'node:timers/promises'
import { askMany } from './load.js'
import type { Measurement } from './measurement.js'
import { residentMb, type Services } from './services.js'

const REQUESTS = 100_000
const CONNECTIONS = 32
const PATHS = {
  whitelist: `/api/whitelist?pubkey=${'0'.repeat(64)}`,
  backend: '/health',
}

/** Resident memory when idle, and how much it is above that after many requests. */
export async function measureMemory(
  services: Services,
  name: 'whitelist' | 'backend',
): Promise<Measurement[]> {
  const program = services.start(name, await services.folder())
  const url = (await program.url) + PATHS[name]
  await askMany(url, 1, 1)
  await delay(2_000)
  const idle = await residentMb(program)
  await askMany(url, REQUESTS, CONNECTIONS)
  await delay(2_000)
  const after = await residentMb(program)
  await program.stop()
  return [
    { what: `${name}: resident memory, idle`, value: idle, unit: 'MB', limit: 75 },
    { what: `${name}: more after 100,000 requests`, value: after - idle, unit: 'MB', limit: 20 },
  ]
}
