import { ODD_GPUS } from '@dstack-node/testbed'
import { describe, expect, it } from 'vitest'
import { compareInventory, groupByModel } from '../../src/inventory/compare.js'
import { gpus, toGpus, unknownGpu } from './_gpus.js'

const H200x8 = { model: 'H200', count: 8 }

describe('compareInventory', () => {
  it('finds nothing where everything is as expected', () => {
    expect(compareInventory(H200x8, gpus('H200', 8))).toEqual([])
    expect(compareInventory({ count: 8 }, gpus('H20', 8))).toEqual([])
    expect(compareInventory({ model: 'B200', count: 200 }, gpus('B200', 200))).toEqual([])
    expect(compareInventory({ count: 0 }, [])).toEqual([])
  })

  it('misses nothing but GPUs as such where nothing is expected', () => {
    const mixed = [...gpus('H100', 3), unknownGpu('NVIDIA Corporation')]
    expect(compareInventory(undefined, mixed)).toEqual([])
    expect(compareInventory(undefined, [])).toEqual([{ code: 'no_gpus' }])
  })

  it('says once that there are no GPUs, also where a number is missing', () => {
    expect(compareInventory(H200x8, [])).toEqual([{ code: 'no_gpus' }])
  })

  it('counts what is missing, and tells the slots that are seen', () => {
    const [difference, ...others] = compareInventory(H200x8, gpus('H200', 7))
    expect(others).toEqual([])
    expect(difference).toEqual({
      code: 'gpus_missing',
      seen: 7,
      slots: ['18:00.0', '2a:00.0', '3a:00.0', '5d:00.0', '9a:00.0', 'ab:00.0', 'ba:00.0'],
    })
  })

  it('counts what is too many, be it where none should be', () => {
    expect(compareInventory({ count: 1 }, gpus('H200', 2))[0]).toMatchObject({
      code: 'gpus_extra',
      seen: 2,
    })
    expect(compareInventory({ model: 'H200', count: 0 }, gpus('H100', 1))).toEqual([
      { code: 'gpus_extra', seen: 1, slots: ['1b:00.0'] },
    ])
  })

  it('tells the wrong models apart, and where they are', () => {
    const [h100, h20] = [gpus('H100', 1), gpus('H20', 2).slice(1)]
    expect(
      compareInventory({ model: 'H200', count: 4 }, [...gpus('H200', 2), ...h100, ...h20]),
    ).toEqual([
      {
        code: 'wrong_model',
        found: [
          { name: 'H100 SXM5 80GB', slots: ['1b:00.0'], count: 1 },
          { name: 'H20', slots: ['43:00.0'], count: 1 },
        ],
      },
    ])
  })

  it.each(['H100-PCIE', 'H200', 'H200-NVL', 'H20', 'H800', 'GH200', 'B200', 'B300'] as const)(
    'is not fooled by the description of a %s where an H100 SXM5 is expected',
    (model) => {
      const [difference] = compareInventory({ model: 'H100-SXM5', count: 1 }, gpus(model, 1))
      expect(difference?.code).toBe('wrong_model')
    },
  )

  it('names by its product id a card that nothing names', () => {
    expect(
      compareInventory({ model: 'H200', count: 1 }, [unknownGpu('NVIDIA Corporation')]),
    ).toEqual([
      { code: 'unknown_model', found: [{ name: '10de:fffe', slots: ['01:00.0'], count: 1 }] },
    ])
  })

  it('counts cards that have no slot', () => {
    const cards = gpus('H200', 2).map((gpu) => ({ ...gpu, slot: '' }))
    expect(groupByModel(cards)).toEqual([{ name: 'H200 SXM 141GB', slots: [''], count: 2 }])
  })

  it('knows the cards of surprising hosts', () => {
    const odd = toGpus([ODD_GPUS.bareVendor, ODD_GPUS.multiDomainInUse])
    expect(compareInventory({ model: 'B200', count: 2 }, odd)).toEqual([])
    expect(compareInventory({ model: 'B300', count: 1 }, toGpus([ODD_GPUS.offTheBus]))).toEqual([])
    expect(compareInventory({ model: 'H200', count: 1 }, toGpus([ODD_GPUS.strangeText]))).toEqual(
      [],
    )
  })

  it('reports a slot that is there twice always, and counts one card in it', () => {
    const twice = [...gpus('H200', 7), ...gpus('H200', 1)]
    expect(compareInventory(undefined, twice)).toEqual([
      { code: 'duplicate_slots', slots: ['18:00.0'] },
    ])
    expect(compareInventory(H200x8, twice)).toMatchObject([
      { code: 'duplicate_slots' },
      { code: 'gpus_missing', seen: 7 },
    ])
  })
})
