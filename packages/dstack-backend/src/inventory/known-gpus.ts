/** A GPU whose product id is known. */
export interface KnownGpu {
  /** What operators call it, whatever its variant: `H100`. */
  family: string
  /** Its name in pci.ids. */
  name: string
  /** Further words for the same variant, which pci.ids does not have. */
  also?: readonly string[]
}

/** The data-centre GPUs of NVIDIA (vendor 10de) by device id; pci.ids of August 2026. */
const NVIDIA: Record<string, KnownGpu> = {
  2321: { family: 'H100', name: 'H100L 94GB', also: ['NVL'] },
  2330: { family: 'H100', name: 'H100 SXM5 80GB' },
  2331: { family: 'H100', name: 'H100 PCIe' },
  2336: { family: 'H100', name: 'H100' },
  2339: { family: 'H100', name: 'H100 SXM5 94GB' },
  '233d': { family: 'H100', name: 'H100 96GB' },
  2322: { family: 'H800', name: 'H800 PCIe' },
  2324: { family: 'H800', name: 'H800' },
  '233a': { family: 'H800', name: 'H800L', also: ['NVL'] },
  '230e': { family: 'H20', name: 'H20 NVL16' },
  2329: { family: 'H20', name: 'H20' },
  '232c': { family: 'H20', name: 'H20 HBM3e' },
  2335: { family: 'H200', name: 'H200 SXM 141GB', also: ['SXM5'] },
  '233b': { family: 'H200', name: 'H200 NVL' },
  2342: { family: 'GH200', name: 'GH200 120GB / 480GB', also: ['96GB'] },
  2348: { family: 'GH200', name: 'GH200 144G HBM3e' },
  2901: { family: 'B200', name: 'B200' },
  2909: { family: 'B200', name: 'HGX B200 168GB' },
  2920: { family: 'B100', name: 'B100' },
  '29bc': { family: 'B100', name: 'B100' },
  2941: { family: 'GB200', name: 'HGX GB200' },
  '2bb5': { family: 'RTX PRO 6000', name: 'RTX PRO 6000 Blackwell Server Edition' },
  3182: { family: 'B300', name: 'B300 SXM6 AC' },
}

/** The GPU with a product id like `10de:2335`, if it is a known one. */
export function knownGpu(productId: string): KnownGpu | undefined {
  const [, deviceId = ''] = /^10de:([0-9a-f]{4})$/i.exec(productId) ?? []
  return NVIDIA[deviceId.toLowerCase()]
}
