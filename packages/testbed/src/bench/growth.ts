import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { duel, throughputRatio } from './duel.js'
import { draw, hexKeys } from './keys.js'
import { ask } from './load.js'
import type { Measurement } from './measurement.js'
import { getRequest } from './raw-client.js'
import { residentMb, type Services } from './services.js'

const SIZES = [10, 1_000, 100_000, 1_000_000]
const QUESTIONS = 20_000

/** How a check, the start and the memory grow with the list, from 10 to 1,000,000 hex keys. */
export async function measureGrowth(services: Services): Promise<Measurement[]> {
  const lists = []
  for (const size of SIZES) lists.push(await serve(services, size))
  const rates = await duel(lists)
  await Promise.all(lists.map(({ program }) => program.stop()))
  return lists.flatMap(({ size, up, resident }, index) => {
    const name = `${size.toLocaleString('en')} keys`
    const rate = throughputRatio(rates[index], rates[0])
    return [
      { what: `${name}: throughput of checks, of that with 10`, value: rate, unit: '×' },
      { what: `${name}: start to first answer`, value: up, unit: 's' },
      { what: `${name}: resident memory`, value: resident, unit: 'MB' },
    ]
  })
}

async function serve(services: Services, size: number) {
  const folder = await services.folder()
  const keys = hexKeys(size)
  await writeFile(join(folder, 'whitelist.json'), JSON.stringify({ pubkeys: keys }))
  const began = performance.now()
  const program = services.start('whitelist', folder)
  const url = await program.url
  await ask(`${url}/ready`)
  const up = (performance.now() - began) / 1000
  await delay(2_000)
  const resident = await residentMb(program)
  const asked = draw([...draw(keys, size), ...hexKeys(size)], QUESTIONS)
  const requests = asked.map((key) => getRequest(`/api/check/${key}`))
  return { size, program, url, up, resident, requests }
}
