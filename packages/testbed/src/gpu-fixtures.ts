/** One card as `ListGpus` reports it. */
export interface GpuCard {
  slot: string
  product_id: string
  description: string
  is_free: boolean
}

interface GpuKind {
  product_id: string
  description: string
  buses: readonly string[]
}

// The buses of real eight-card hosts, in the order their VMM lists them.
const H200_HOST = ['18', '2a', '3a', '5d', '9a', 'ab', 'ba', 'db']
const H100_HOST = ['1b', '43', '52', '61', '9d', 'c3', 'd1', 'df']

function nvidia(deviceId: string, name: string, buses = H100_HOST): GpuKind {
  return { product_id: `10de:${deviceId}`, description: `NVIDIA Corporation ${name}`, buses }
}

const KINDS = {
  H100: nvidia('2330', 'GH100 [H100 SXM5 80GB]'),
  'H100-PCIE': nvidia('2331', 'GH100 [H100 PCIe]'),
  H200: nvidia('2335', 'GH100 [H200 SXM 141GB]', H200_HOST),
  'H200-NVL': nvidia('233b', 'GH100 [H200 NVL]', H200_HOST),
  H20: nvidia('2329', 'GH100 [H20]'),
  H800: nvidia('2324', 'GH100 [H800]'),
  GH200: nvidia('2342', 'GH100 [GH200 120GB / 480GB]', ['09']),
  B200: nvidia('2901', 'GB100 [B200]'),
  B300: nvidia('3182', 'GB110 [B300 SXM6 AC]', ['19']),
} as const satisfies Record<string, GpuKind>

/** The models the fixtures know by name. */
export type GpuModel = keyof typeof KINDS

/** Every model name, for help texts and error messages. */
export const GPU_MODELS = Object.keys(KINDS) as GpuModel[]

const ALL_BUSES = Array.from({ length: 256 }, (_, bus) => bus.toString(16).padStart(2, '0'))

/** Makes a host full of one model: first the slots of a real host, then any free bus. */
export function gpuCards(model: GpuModel, count: number, isFree = true): GpuCard[] {
  const { product_id, description, buses }: GpuKind = KINDS[model]
  if (!Number.isInteger(count) || count < 0 || count > ALL_BUSES.length) {
    throw new RangeError(`a host has 0 to ${ALL_BUSES.length} cards, not ${count}`)
  }
  const slots = [...new Set([...buses, ...ALL_BUSES])].slice(0, count)
  return slots.map((bus) => ({ slot: `${bus}:00.0`, product_id, description, is_free: isFree }))
}

/** Reads `H200x8`, `B200` or `none`. */
export function parseGpus(text: string): GpuCard[] {
  if (text.toLowerCase() === 'none') return []
  const match = /^([a-z0-9-]+?)(?:x(\d{1,3}))?$/i.exec(text)
  const model = GPU_MODELS.find((name) => name === match?.[1]?.toUpperCase())
  if (!model) {
    throw new RangeError(`"${text}" names no cards; try H200x8, none, or ${GPU_MODELS.join(', ')}`)
  }
  return gpuCards(model, Number(match?.[2] ?? 1))
}

/** Cards that are real but surprising; each is what the VMM's own parser makes of such a host. */
export const ODD_GPUS = {
  /** A host with several PCI domains writes the domain into the slot. */
  multiDomain: {
    slot: '0000:1b:00.0',
    product_id: '10de:2330',
    description: 'NVIDIA Corporation GH100 [H100 SXM5 80GB]',
    is_free: true,
  },
  multiDomainInUse: {
    slot: '0000:18:00.0',
    product_id: '10de:2901',
    description: 'NVIDIA Corporation GB100 [B200]',
    is_free: false,
  },
  /** A B200 on a host whose pci.ids predates it: only the vendor has a name. */
  bareVendor: {
    slot: '1b:00.0',
    product_id: '10de:2901',
    description: 'NVIDIA Corporation',
    is_free: true,
  },
  /** Fell off the bus: dead, and reported as free for lack of a Control line. */
  offTheBus: {
    slot: '19:00.0',
    product_id: '10de:3182',
    description: 'NVIDIA Corporation GB110 [B300 SXM6 AC]',
    is_free: true,
  },
  /** Text no pci.ids has, but nothing forbids: quotes, control characters, other scripts. */
  strangeText: {
    slot: '2a:00.0',
    product_id: '10de:2335',
    description: 'NVIDIA "H200"\\\n\u0000\u001b[31m 显卡 🚀',
    is_free: true,
  },
} as const satisfies Record<string, GpuCard>
