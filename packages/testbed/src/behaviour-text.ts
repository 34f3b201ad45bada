import type { Script } from './behaviour.js'
import type { RegistryBehaviour } from './simulated-registry.js'
import type { VmmBehaviour } from './simulated-vmm.js'

type Check = (value: unknown) => boolean

const isNumber: Check = (value) => typeof value === 'number' && value > 0
const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
const isStatus: Check = (value) => Number.isInteger(value) && Number(value) >= 200
const isHeaders: Check = (value) =>
  value instanceof Object && Object.values(value).every((text) => typeof text === 'string')

const RAW = { status: isStatus, headers: isHeaders, body: isText }
const COMMON = {
  ok: {},
  hang: {},
  reset: {},
  short: {},
  drip: { everyMs: isNumber, part: (part: unknown) => part === 'headers' || part === 'body' },
  slow: { everyMs: isNumber },
  huge: { bytes: isNumber, chunked: isFlag },
}
const VMM_KINDS: Kinds = { ...COMMON, raw: RAW, failure: { message: isText } }
const REGISTRY_KINDS: Kinds = { ...COMMON, raw: { ...RAW, applied: isFlag }, lost: {} }

/** The fields each kind may have, beside `kind`. A gate holds a promise and has no written form. */
type Kinds = Record<string, Record<string, Check>>

/** The names of all behaviours, for the help text. */
export const VMM_KIND_NAMES = Object.keys(VMM_KINDS)
export const REGISTRY_KIND_NAMES = Object.keys(REGISTRY_KINDS)

/** Checks a behaviour of the VMM that came as JSON; a text alone is its kind. */
export function parseVmmScript(value: unknown): Script<VmmBehaviour> {
  return parseScript(value, VMM_KINDS) as Script<VmmBehaviour>
}

/** Checks a behaviour of the registry that came as JSON; a text alone is its kind. */
export function parseRegistryScript(value: unknown): Script<RegistryBehaviour> {
  return parseScript(value, REGISTRY_KINDS) as Script<RegistryBehaviour>
}

function parseScript(value: unknown, kinds: Kinds): unknown {
  if (Array.isArray(value)) return value.map((step) => parseStep(step, kinds))
  if (isRecord(value) && value['kind'] === 'flapping' && Array.isArray(value['behaviours'])) {
    return { ...value, behaviours: value['behaviours'].map((step) => parseStep(step, kinds)) }
  }
  return parseStep(value, kinds)
}

function parseStep(value: unknown, kinds: Kinds): object {
  const { kind, ...fields } = isRecord(value) ? value : { kind: value }
  const known = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!known) {
    const names = Object.keys(kinds).join(', ')
    throw new RangeError(`${JSON.stringify(kind)} is no behaviour; there are ${names}`)
  }
  for (const [name, field] of Object.entries(fields)) {
    if (known[name]?.(field)) continue
    throw new RangeError(`"${name}" of the behaviour ${JSON.stringify(kind)} is not understood`)
  }
  return { kind, ...fields }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value instanceof Object && !Array.isArray(value)
}
