import { ODD_GPUS } from '@dstack-node/testbed'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchModel, modelOf } from '../../src/inventory/gpu-model.js'
import { anyText } from '../_any-text.js'
import { gpus, toGpus, unknownGpu } from './_gpus.js'

/** A card with this device id of NVIDIA, on a host whose pci.ids has no name for it. */
function nvidia(deviceId: string) {
  return { productId: `10de:${deviceId}`, description: 'NVIDIA Corporation' }
}

describe('modelOf', () => {
  it.each([
    ['2330', 'H100', 'H100 SXM5 80GB'],
    ['2339', 'H100', 'H100 SXM5 94GB'],
    ['2331', 'H100', 'H100 PCIe'],
    ['2321', 'H100', 'H100L 94GB'],
    ['2336', 'H100', 'H100'],
    ['233d', 'H100', 'H100 96GB'],
    ['2322', 'H800', 'H800 PCIe'],
    ['2324', 'H800', 'H800'],
    ['233a', 'H800', 'H800L'],
    ['2329', 'H20', 'H20'],
    ['230e', 'H20', 'H20 NVL16'],
    ['232c', 'H20', 'H20 HBM3e'],
    ['2bb5', 'RTX PRO 6000', 'RTX PRO 6000 Blackwell Server Edition'],
    ['2335', 'H200', 'H200 SXM 141GB'],
    ['233b', 'H200', 'H200 NVL'],
    ['2342', 'GH200', 'GH200 120GB / 480GB'],
    ['2348', 'GH200', 'GH200 144G HBM3e'],
    ['2901', 'B200', 'B200'],
    ['2909', 'B200', 'HGX B200 168GB'],
    ['2920', 'B100', 'B100'],
    ['29bc', 'B100', 'B100'],
    ['2941', 'GB200', 'HGX GB200'],
    ['3182', 'B300', 'B300 SXM6 AC'],
  ])('knows %s, whatever the host calls it', (deviceId, family, name) => {
    expect(modelOf(nvidia(deviceId))).toEqual({ family, name, known: true })
    expect(modelOf({ ...nvidia(deviceId.toUpperCase()), description: '[else]' })?.name).toBe(name)
  })

  it('takes the last […] of the description of a card it does not know', () => {
    const named = unknownGpu('NVIDIA Corporation [old] AD102 [GeForce RTX 4090]')
    expect(modelOf(named)).toEqual({
      family: 'GeForce RTX 4090',
      name: 'GeForce RTX 4090',
      known: false,
    })
  })

  it('goes by the description where the vendor is another one', () => {
    const amd = { productId: '1002:2335', description: 'AMD/ATI Aqua [Instinct MI300X]' }
    expect(modelOf(amd)?.name).toBe('Instinct MI300X')
  })

  it.each(['NVIDIA Corporation', '', '[]', 'no end [H200', '[ \u0000\u200b ]'])(
    'has no name for an unknown card that is called "%s"',
    (description) => {
      expect(modelOf(unknownGpu(description))).toBeUndefined()
      expect(modelOf({ productId: '', description })).toBeUndefined()
    },
  )

  it('keeps a name from outside short and free of control characters', () => {
    const name = modelOf(unknownGpu(`[\u001b[31m${'显卡\n\u0000\u202e'.repeat(50)}]`))?.name ?? ''
    expect(name.length).toBeLessThanOrEqual(61)
    expect(name).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(name).toContain('显卡')
  })

  it('reads a description of a megabyte in no time', () => {
    for (const part of ['a', '[', '[a', ']']) {
      expect(() => modelOf(unknownGpu(part.repeat(500_000)))).not.toThrow()
    }
  })
})

describe('matchModel', () => {
  const all = {
    H100: nvidia('2330'),
    'H100-PCIE': nvidia('2331'),
    'H100-NVL': nvidia('2321'),
    H800: nvidia('2324'),
    H20: nvidia('2329'),
    H200: nvidia('2335'),
    'H200-NVL': nvidia('233b'),
    GH200: nvidia('2342'),
    B100: nvidia('2920'),
    B200: nvidia('2901'),
    GB200: nvidia('2941'),
    B300: nvidia('3182'),
    'RTX-PRO-6000': nvidia('2bb5'),
  }
  const matching = (label: string) =>
    Object.entries(all)
      .filter(([, card]) => matchModel(card, label) === 'yes')
      .map(([name]) => name)

  it.each([
    ['H100', ['H100', 'H100-PCIE', 'H100-NVL']],
    ['H800', ['H800']],
    ['H20', ['H20']],
    ['H200', ['H200', 'H200-NVL']],
    ['GH200', ['GH200']],
    ['GH100', []],
    ['B100', ['B100']],
    ['B200', ['B200']],
    ['GB200', ['GB200']],
    ['B300', ['B300']],
    ['RTX-PRO-6000', ['RTX-PRO-6000']],
    ['RTX-6000', []],
    ['H', []],
    ['200', []],
    ['NVIDIA', []],
  ])('takes %s for nothing but that family', (label, names) => {
    expect(matching(label)).toEqual(names)
  })

  it.each(['h200', 'H200', ' H-200 ', 'NVIDIA H200', 'nvidia-h200', 'HGX-H200', 'NVIDIA HGX H200'])(
    'reads %s as people mean it',
    (label) => {
      expect(matchModel(all.H200, label)).toBe('yes')
      expect(matchModel(all.GH200, label)).toBe('no')
    },
  )

  it.each([
    ['2330', 'H100-SXM'],
    ['2330', 'H100-SXM5'],
    ['2330', 'H100 SXM5 80GB'],
    ['2330', 'H100-SXM-80G'],
    ['2330', 'H100-80GB-HBM3'],
    ['2331', 'H100-PCIe'],
    ['2331', 'H100-PCIE-80GB'],
    ['2321', 'H100-NVL'],
    ['2321', 'H100L-94GB'],
    ['2335', 'H200-SXM'],
    ['2335', 'H200-SXM5-141GB'],
    ['233b', 'H200-NVL'],
    ['233b', 'H200-NVL-141GB'],
    ['2342', 'GH200-480GB'],
    ['2348', 'GH200-144GB'],
    ['2901', 'B200-SXM6-180GB'],
    ['2909', 'HGX-B200-168GB'],
    ['230e', 'H20-NVL16'],
    ['3182', 'B300-SXM6'],
    ['2bb5', 'RTX-PRO-6000-Blackwell-Server-Edition'],
    ['2bb5', 'RTX PRO 6000 96GB'],
  ])('knows the variant of %s by %s', (deviceId, label) => {
    expect(matchModel(nvidia(deviceId), label)).toBe('yes')
  })

  it.each([
    ['2330', 'H100-PCIe'],
    ['2330', 'H100-NVL'],
    ['2330', 'H100-94GB'],
    ['2331', 'H100-SXM5'],
    ['2335', 'H200-NVL'],
    ['2335', 'H200-80GB'],
    ['233b', 'H200-SXM'],
    ['2335', 'H200-turbo'],
    ['2335', 'H20'],
    ['2335', 'H2000'],
    ['2bb5', 'RTX-PRO-6000-Workstation'],
  ])('does not take %s for a %s', (deviceId, label) => {
    expect(matchModel(nvidia(deviceId), label)).toBe('no')
  })

  it('knows a B200 whose host has too old a pci.ids, and a card that fell off the bus', () => {
    const [bare, off] = toGpus([ODD_GPUS.bareVendor, ODD_GPUS.offTheBus])
    expect(bare && matchModel(bare, 'B200')).toBe('yes')
    expect(off && matchModel(off, 'B300')).toBe('yes')
  })

  it.each([
    'RTX4090',
    'rtx-4090',
    'RTX 4090',
    'GeForce-RTX-4090',
    '4090',
    'NVIDIA GeForce RTX 4090',
  ])('finds %s among the words of a name', (label) => {
    const card = unknownGpu('NVIDIA Corporation AD102 [GeForce RTX 4090]')
    expect(matchModel(card, label)).toBe('yes')
  })

  it.each(['RTX409', 'TX4090', 'RTX5090', 'AD102', 'GeForce-4090', 'H100', ''])(
    'does not find %s there',
    (label) => {
      const card = unknownGpu('NVIDIA Corporation AD102 [GeForce RTX 4090]')
      expect(matchModel(card, label)).toBe('no')
    },
  )

  it('lets the form of an unknown card be left out', () => {
    const card = unknownGpu('NVIDIA Corporation GA100 [A100 SXM4 80GB]')
    expect(
      ['A100', 'A100-80GB', 'A100-SXM4', 'A100-SXM4-80GB'].map((l) => matchModel(card, l)),
    ).toEqual(['yes', 'yes', 'yes', 'yes'])
    expect(matchModel(card, 'A100-40GB')).toBe('no')
  })

  it('compares thousands of cards with names of many words in no time', () => {
    const card = unknownGpu(`[${'a b c d e f g h i j '.repeat(5)}]`)
    for (let count = 0; count < 20_000; count += 1) expect(matchModel(card, 'Foo-bar')).toBe('no')
  })

  it.each(['NVIDIA Corporation', '[显卡]', ''])(
    'can not tell for an unknown "%s"',
    (description) => {
      expect(matchModel(unknownGpu(description), 'H200')).toBe('unknown')
    },
  )

  it('takes no letter of another script for one of ours', () => {
    expect(matchModel(unknownGpu('[ſxm ıon]'), 'SXM')).toBe('no')
    expect(matchModel(all.H200, 'Н200')).toBe('no')
  })

  it('answers for any text', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (text, label) => {
        expect(['yes', 'no', 'unknown']).toContain(matchModel(unknownGpu(`[${text}]`), label))
        expect(['yes', 'no']).toContain(matchModel(gpus('H200', 1)[0] ?? unknownGpu(''), label))
      }),
    )
  })
})
