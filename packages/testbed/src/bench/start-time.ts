import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ask } from './load.js'
import { median, type Measurement } from './measurement.js'
import type { Services } from './services.js'

const ROUNDS = 10

/** From process start to the first answered request, as a multiple of what `node -e 0` takes. */
export async function measureStarts(services: Services): Promise<Measurement[]> {
  const bare: number[] = []
  const whitelist: number[] = []
  const backend: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await bareNode())
    whitelist.push(await firstAnswer(services, 'whitelist'))
    backend.push(await firstAnswer(services, 'backend'))
  }
  const ratio = (values: number[]) => median(values) / median(bare)
  return [
    {
      what: 'whitelist: start to first answer',
      value: ratio(whitelist),
      unit: '× node -e 0',
      limit: 2.5,
    },
    {
      what: 'backend: start to first answer',
      value: ratio(backend),
      unit: '× node -e 0',
      limit: 2.5,
    },
  ]
}

async function bareNode(): Promise<number> {
  const began = performance.now()
  await once(spawn(process.execPath, ['-e', '0']), 'exit')
  return performance.now() - began
}

async function firstAnswer(services: Services, name: 'whitelist' | 'backend'): Promise<number> {
  const folder = await services.folder()
  const began = performance.now()
  const program = services.start(name, folder)
  await ask(`${await program.url}/health`)
  const took = performance.now() - began
  await program.stop()
  return took
}
