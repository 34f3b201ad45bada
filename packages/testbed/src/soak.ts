import { formatTable, isKept } from './bench/measurement.js'
import { startServices } from './bench/services.js'
import { soak } from './soak/run.js'

const DEFAULT_S = 600
const LEAST_S = 10

/**
 * Soaks the built backend for so many seconds (600), prints what grew, what was left behind and whether the
 * counters are right, and exits 1 if a limit is not kept.
 */
async function main([text = String(DEFAULT_S)]: string[]): Promise<void> {
  const seconds = Number(text)
  if (!(seconds >= LEAST_S)) {
    process.stderr.write(`soak: "${text}" is no number of seconds from ${LEAST_S} on\n`)
    process.exitCode = 2
    return
  }
  const services = await startServices()
  try {
    const report = (line: string) => void process.stderr.write(`${line}\n`)
    const measurements = await soak(services, seconds, report)
    const title = `Node ${process.version}, ${seconds} s`
    process.stdout.write(`\n${title}\n\n${formatTable(measurements)}\n`)
    if (!measurements.every(isKept)) process.exitCode = 1
  } finally {
    await services.close()
  }
}

void main(process.argv.slice(2))
