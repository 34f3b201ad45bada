import { resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { parseRegistryScript, parseVmmScript } from './behaviour-text.js'
import { parseGpus } from './gpu-fixtures.js'
import type { ListenAddress } from './http-listener.js'
import { isPubkey } from './registry-workers.js'
import type { SimulatedRegistryOptions } from './simulated-registry.js'
import type { SimulatedVmmOptions } from './simulated-vmm.js'
import { parseVmmVersion } from './vmm-version.js'

/** What the arguments ask for. */
export type Command =
  | { kind: 'help' }
  | { kind: 'vmm'; options: SimulatedVmmOptions }
  | { kind: 'registry'; options: SimulatedRegistryOptions; permit: string[] }

const HELP = { help: { type: 'boolean', short: 'h' } } as const
const VMM_OPTIONS = {
  ...HELP,
  listen: { type: 'string' },
  gpus: { type: 'string' },
  version: { type: 'string' },
  token: { type: 'string' },
  behave: { type: 'string' },
} as const satisfies ParseArgsConfig['options']
const REGISTRY_OPTIONS = {
  ...HELP,
  listen: { type: 'string' },
  prefix: { type: 'string' },
  permit: { type: 'string', multiple: true },
  refuse: { type: 'string' },
  permission: { type: 'string' },
  register: { type: 'string' },
} as const satisfies ParseArgsConfig['options']

/** Reads the arguments; throws with a sentence for people when they make no sense. */
export function parseCommandLine(args: readonly string[]): Command {
  const [subject, ...rest] = args
  if (subject === undefined || subject === '--help' || subject === '-h') return { kind: 'help' }
  if (subject === 'vmm') return parseVmm(rest)
  if (subject === 'registry') return parseRegistry(rest)
  throw new RangeError(`there is no "${subject}" here, only vmm and registry`)
}

function parseVmm(args: string[]): Command {
  const { values } = parseArgs({ args, options: VMM_OPTIONS })
  if (values.help) return { kind: 'help' }
  const options: SimulatedVmmOptions = { listen: parseListen(values.listen) }
  if (values.gpus !== undefined) options.gpus = parseGpus(values.gpus)
  if (values.version !== undefined) options.version = parseVmmVersion(values.version).text
  if (values.token !== undefined) options.token = values.token
  if (values.behave !== undefined) options.behave = parseVmmScript(fromText(values.behave))
  return { kind: 'vmm', options }
}

function parseRegistry(args: string[]): Command {
  const { values } = parseArgs({ args, options: REGISTRY_OPTIONS })
  if (values.help) return { kind: 'help' }
  const listen = parseListen(values.listen)
  if ('socketPath' in listen) throw new RangeError('the registry listens on a host:port')
  const options: SimulatedRegistryOptions = { ...listen, prefix: values.prefix ?? '' }
  if (values.refuse !== undefined) options.register = parseRegistryScript(refusing(values.refuse))
  const { permission, register, permit = [] } = values
  if (permission !== undefined) options.permission = parseRegistryScript(fromText(permission))
  if (register !== undefined) options.register = parseRegistryScript(fromText(register))
  const wrong = permit.find((key) => !isPubkey(key))
  if (wrong !== undefined) throw new RangeError('--permit takes 64 lower-case hex digits')
  return { kind: 'registry', options, permit }
}

function parseListen(text = '127.0.0.1:0'): ListenAddress {
  const path = /^unix:(?:\/\/)?(.+)$/.exec(text)?.[1]
  if (path !== undefined) return { socketPath: resolve(path) }
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    throw new RangeError(`--listen takes host:port or unix:/path, not "${text}"`)
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port }
}

/** A behaviour on the command line is a kind, or JSON with everything. */
function fromText(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SyntaxError(`a behaviour is a name or JSON, not "${text}"`, { cause })
  }
}

function refusing(text: string): object {
  const status = Number(text)
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new RangeError(`--refuse takes a status from 300 to 599, not "${text}"`)
  }
  const error = `registration refused with ${status} on purpose`
  return { kind: 'raw', status, body: JSON.stringify({ error }) }
}
