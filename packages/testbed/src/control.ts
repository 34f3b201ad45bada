import { parseRegistryScript, parseVmmScript } from './behaviour-text.js'
import { parseGpus } from './gpu-fixtures.js'
import { isPubkey } from './registry-workers.js'
import type { SimulatedRegistry } from './simulated-registry.js'
import type { SimulatedVmm } from './simulated-vmm.js'

/**
 * Does what one JSON line asks for, such as `{"behave":"hang"}`, and tells the names of what it did
 * (not the values, among which may be a token). Throws when the line asks for nonsense.
 */
export type Control = (line: string) => Promise<string[]>

type Commands = Record<string, (value: unknown) => void | Promise<void>>

export function createVmmControl(vmm: SimulatedVmm): Control {
  return createControl({
    behave: (value) => {
      vmm.behave(parseVmmScript(value))
    },
    gpus: (value) => {
      vmm.setGpus(parseGpus(parseText(value)))
    },
    token: (value) => {
      vmm.setToken(value === null ? undefined : parseText(value))
    },
    stop: vmm.stop,
    start: vmm.start,
    restart: vmm.restart,
  })
}

export function createRegistryControl(registry: SimulatedRegistry): Control {
  return createControl({
    permission: (value) => {
      registry.onPermission(parseRegistryScript(value))
    },
    register: (value) => {
      registry.onRegister(parseRegistryScript(value))
    },
    permit: (value) => {
      registry.permit(parsePubkey(value))
    },
    revoke: (value) => {
      registry.revoke(parsePubkey(value))
    },
    stop: registry.stop,
    start: registry.start,
    restart: registry.restart,
  })
}

function createControl(commands: Commands): Control {
  return async (line) => {
    const wanted = parseJson(line)
    const entries = wanted instanceof Object ? Object.entries(wanted) : []
    const isKnown = entries.every(([name]) => Object.hasOwn(commands, name))
    if (entries.length === 0 || !isKnown) {
      throw new RangeError(`the commands are ${Object.keys(commands).join(', ')}`)
    }
    for (const [name, value] of entries) await commands[name]?.(value)
    return entries.map(([name]) => name)
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new SyntaxError('a command is a line of JSON', { cause })
  }
}

function parseText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new RangeError(`${JSON.stringify(value)} is no text`)
}

function parsePubkey(value: unknown): string {
  if (typeof value === 'string' && isPubkey(value)) return value
  throw new RangeError('a key is 64 lower-case hex digits')
}
