import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Services } from '../bench/services.js'
import { builtFile, type BuiltProgram } from '../built-program.js'
import { gpuCards } from '../gpu-fixtures.js'
import type { Observed } from './vitals.js'
import { REGISTRY_TURNS } from './registry-turns.js'
import { VMM_TURNS } from './vmm-turns.js'

/** A backend that is watched, and the whitelist that it asks. */
export interface Surroundings extends Observed {
  backend: BuiltProgram
  url: string
  /** The file of the whitelist. */
  list: string
}

/** Starts a whitelist, and a backend that asks it, with a probe in its process. */
export async function startSurroundings(services: Services): Promise<Surroundings> {
  services.vmm.setGpus(gpuCards('H200', 8))
  const folder = await services.folder()
  const list = join(folder, 'whitelist.json')
  await writeList(list, [])
  const whitelist = await services.start('whitelist', folder).url
  const built = builtFile('backend')
  const backend = services.start('backend', await services.folder(), {
    file: built.replace(/dist\/[a-z]+\.js$/, 'packages/testbed/dist/soak-probe.js'),
    args: [built],
    env: { WHITELIST_URL: whitelist, EXPECTED_GPUS: 'H200x8' },
  })
  const url = await backend.url
  const told = JSON.parse(backend.output().split('\n')[0] ?? '') as { probe: string }
  return { backend, url, list, pid: backend.child.pid ?? 0, probe: told.probe }
}

/** Lets the VMM misbehave from now on. */
export function flapVmm({ vmm }: Services): void {
  vmm.behave({ kind: 'flapping', behaviours: VMM_TURNS.map(({ step }) => step) })
}

/** Lets the registry misbehave, and go away for a while now and then, until the signal is aborted. */
export async function flapRegistry(
  { registry }: Services,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  registry.onPermission({ kind: 'flapping', behaviours: REGISTRY_TURNS })
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined)
    await registry.stop()
    await delay(everyMs / 10, undefined, { signal }).catch(() => undefined)
    await registry.start()
  }
  registry.onPermission({ kind: 'ok' })
}

/** Puts a key on the list and off it, in turn, until the signal is aborted. */
export async function flapList(
  list: string,
  pubkey: string,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    await writeList(list, turn % 2 ? [] : [pubkey])
    await delay(everyMs, undefined, { signal }).catch(() => undefined)
  }
}

async function writeList(list: string, pubkeys: readonly string[]): Promise<void> {
  await writeFile(`${list}.new`, JSON.stringify({ pubkeys }))
  await rename(`${list}.new`, list)
}
