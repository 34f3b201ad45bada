import { createInterface } from 'node:readline'
import { parseCommandLine, type Command } from './command-line.js'
import { createRegistryControl, createVmmControl, type Control } from './control.js'
import { HELP_TEXT } from './help.js'
import { startSimulatedRegistry } from './simulated-registry.js'
import { startSimulatedVmm } from './simulated-vmm.js'

interface Running {
  simulated: string
  url: string
  control: Control
  close: () => Promise<void>
}

async function start(command: Exclude<Command, { kind: 'help' }>): Promise<Running> {
  if (command.kind === 'vmm') {
    const vmm = await startSimulatedVmm(command.options)
    const { url, close } = vmm
    return { simulated: 'vmm', url, close, control: createVmmControl(vmm) }
  }
  const registry = await startSimulatedRegistry(command.options)
  command.permit.forEach(registry.permit)
  const { url, close } = registry
  return { simulated: 'registry', url, close, control: createRegistryControl(registry) }
}

function parse(): Command {
  try {
    return parseCommandLine(process.argv.slice(2))
  } catch (error) {
    fail(error, 2)
  }
}

async function main(): Promise<void> {
  const command = parse()
  if (command.kind === 'help') {
    process.stdout.write(HELP_TEXT)
    return
  }
  const { simulated, url, control, close } = await start(command)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void close().finally(() => process.exit(0)))
  }
  followCommands(control)
  process.stdout.write(`${JSON.stringify({ simulated, url })}\n`)
}

/** Takes commands one after the other; the end of the input ends nothing else. */
function followCommands(control: Control): void {
  let done = Promise.resolve()
  process.stdin.on('error', () => undefined)
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line.trim() === '') return
    done = done
      .then(() => control(line))
      .then((names) => `done: ${names.join(', ')}`)
      .catch((error: unknown) => `testbed: ${messageOf(error)}`)
      .then((report) => void process.stderr.write(`${report}\n`))
  })
}

function fail(error: unknown, exitCode: number): never {
  process.stderr.write(`testbed: ${messageOf(error)}\n`)
  process.exit(exitCode)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

main().catch((error: unknown) => {
  fail(error, 1)
})
