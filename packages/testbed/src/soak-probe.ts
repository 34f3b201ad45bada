import { createRequire } from 'node:module'
import { startProbe } from './soak/probe.js'
import { shortenLongWaits } from './soak/long-waits.js'

/** Runs the built program that is named on the command line, and tells what lives in its process. */
async function main([program = '']: string[]): Promise<void> {
  shortenLongWaits(globalThis)
  process.stdout.write(`${JSON.stringify({ probe: await startProbe() })}\n`)
  process.argv = [process.argv0, program]
  createRequire(program)(program)
}

void main(process.argv.slice(2))
