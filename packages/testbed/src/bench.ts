import { measureAsking } from './bench/asking.js'
import { measureBigLists } from './bench/big-list.js'
import { measureColdCallers, measureFirstStarts } from './bench/first-starts.js'
import { measureGrowth } from './bench/growth.js'
import { measureHealth } from './bench/health.js'
import { measureHungVmm } from './bench/hung-vmm.js'
import { formatTable, isKept, type Measurement } from './bench/measurement.js'
import { measureMemory } from './bench/memory.js'
import { startServices, type Services } from './bench/services.js'
import { measureStarts } from './bench/start-time.js'

const BENCHES: [string, (services: Services) => Promise<Measurement[]>][] = [
  ['starts', measureStarts],
  ['memory of the whitelist', (services) => measureMemory(services, 'whitelist')],
  ['memory of the backend', (services) => measureMemory(services, 'backend')],
  ['many callers at once', measureColdCallers],
  ['many first starts at once', measureFirstStarts],
  ['health', measureHealth],
  ['a VMM that hangs', measureHungVmm],
  ['checks, a batch and an unchanged list', measureAsking],
  ['lists of 100,000 and 1,000,000 keys', measureBigLists],
  ['how cost grows with the list', measureGrowth],
]

/**
 * Measures the built programs on this machine, prints a table, and exits 1 if a limit is not kept. A word
 * on the command line chooses the measurements whose title has it.
 */
async function main(): Promise<void> {
  const measurements: Measurement[] = []
  const only = process.argv[2] ?? ''
  for (const [title, measure] of BENCHES.filter(([name]) => name.includes(only))) {
    process.stderr.write(`measuring ${title} …\n`)
    const services = await startServices()
    try {
      measurements.push(...(await measure(services)))
    } finally {
      await services.close()
    }
  }
  process.stdout.write(`\nNode ${process.version}\n\n${formatTable(measurements)}\n`)
  if (!measurements.every(isKept)) process.exitCode = 1
}

void main()
