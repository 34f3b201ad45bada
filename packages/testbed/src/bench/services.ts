import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBuiltProgram, type BuiltProgram, type BuiltProgramOptions } from '../built-program.js'
import { startSimulatedRegistry, type SimulatedRegistry } from '../simulated-registry.js'
import { startSimulatedVmm, type SimulatedVmm } from '../simulated-vmm.js'

/** What the built programs run against, and a way to start them that ends with `close`. */
export interface Services {
  registry: SimulatedRegistry
  vmm: SimulatedVmm
  /** A new empty folder. */
  folder: () => Promise<string>
  start: (
    name: 'whitelist' | 'backend',
    cwd: string,
    options?: Pick<BuiltProgramOptions, 'file' | 'args' | 'env'>,
  ) => BuiltProgram
  close: () => Promise<void>
}

const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

/** Starts a simulated registry and VMM. */
export async function startServices(): Promise<Services> {
  const registry = await startSimulatedRegistry()
  const vmm = await startSimulatedVmm()
  const folders: string[] = []
  const programs: BuiltProgram[] = []
  const env = {
    LISTEN_ADDR: '127.0.0.1:0',
    REGISTRY_URL: registry.url,
    DSTACK_URL: vmm.url,
    OWNER_ADDRESS: OWNER,
    REGISTRATION_TIMEOUT_MS: '120000',
  }
  return {
    registry,
    vmm,
    folder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'bench-'))
      folders.push(folder)
      return folder
    },
    start: (name, cwd, options = {}) => {
      const program = startBuiltProgram(name, { ...options, cwd, env: { ...env, ...options.env } })
      programs.push(program)
      return program
    },
    close: async () => {
      for (const { child } of programs) child.kill('SIGKILL')
      await Promise.all(programs.map(({ exited }) => exited))
      await Promise.all([registry.close(), vmm.close()])
      for (const folder of folders) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The resident memory of a process, in MB (10^6 bytes). */
export async function residentMb({ child }: BuiltProgram): Promise<number> {
  const status = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8')
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return (kib * 1024) / 1e6
}
