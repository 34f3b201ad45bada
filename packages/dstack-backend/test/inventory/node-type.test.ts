import { GPU_MODELS, gpuCards, ODD_GPUS } from '@dstack-node/testbed'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareInventory } from '../../src/inventory/compare.js'
import { expectationOf } from '../../src/inventory/expectation.js'
import { nodeTypeOf } from '../../src/inventory/node-type.js'
import { anyText } from '../_any-text.js'
import { gpus, toGpus, unknownGpu } from './_gpus.js'

describe('nodeTypeOf', () => {
  it.each([
    [gpus('H100', 1), 'node-H100x1'],
    [gpus('H200', 8), 'node-H200x8'],
    [gpus('GH200', 1), 'node-GH200x1'],
    [gpus('B200', 200), 'node-B200x200'],
    [toGpus([ODD_GPUS.bareVendor]), 'node-B200x1'],
    [toGpus([ODD_GPUS.offTheBus]), 'node-B300x1'],
    [[{ ...unknownGpu(''), productId: '10de:2bb5' }], 'node-RTX-PRO-6000x1'],
    [[unknownGpu('NVIDIA Corporation AD102 [GeForce RTX 4090]')], 'node-GeForce-RTX-4090x1'],
    [[unknownGpu('Vendor [Ärger/Mk.2 (x16) 显卡]')], 'node-rger-Mk-2-x16x1'],
  ])('names the GPUs %#', (cards, nodeType) => {
    expect(nodeTypeOf(cards)).toEqual({ ok: true, nodeType })
  })

  it('takes variants of one family for one model', () => {
    const cards = [...gpus('H100', 1), ...gpus('H100-PCIE', 2).slice(1)]
    expect(nodeTypeOf(cards)).toEqual({ ok: true, nodeType: 'node-H100x2' })
  })

  it('counts a slot that is listed twice once', () => {
    const cards = [...gpus('H200', 2), ...gpus('H200', 1)]
    expect(nodeTypeOf(cards)).toEqual({ ok: true, nodeType: 'node-H200x2' })
  })

  it('has none without a GPU', () => {
    expect(nodeTypeOf([])).toEqual({
      ok: false,
      problem: 'no_gpus',
      reason: 'the VMM lists no GPU',
    })
  })

  it('has none for several models, and lists them', () => {
    const cards = [...gpus('H200', 2), ...gpus('H100', 1)]
    expect(nodeTypeOf(cards)).toEqual({
      ok: false,
      problem: 'mixed_models',
      reason:
        'the GPUs are of several models: H200 SXM 141GB in 18:00.0, 2a:00.0; H100 SXM5 80GB in 1b:00.0',
    })
  })

  it.each(['NVIDIA Corporation', '', '[显卡]'])(
    'has none for an unknown card that is called "%s"',
    (description) => {
      const answer = nodeTypeOf([...gpus('H200', 1), unknownGpu(description)])
      expect(answer).toMatchObject({ ok: false, problem: 'no_name' })
      expect(answer).toHaveProperty('reason', expect.stringMatching(/ in 01:00\.0$/))
    },
  )

  it('says of every known model what is expected of it in turn', () => {
    for (const model of GPU_MODELS) {
      const cards = toGpus(gpuCards(model, 8))
      const answer = nodeTypeOf(cards)
      expect(answer.ok && compareInventory(expectationOf(answer.nodeType), cards)).toEqual([])
    }
  })

  it('says of any named card what is expected of it in turn', () => {
    const word = fc.oneof(
      anyText(20),
      fc.constantFrom('NVIDIA', 'HGX', 'x8', 'SXM5', 'PCIe', '80GB', 'node', 'a'.repeat(70)),
    )
    const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 200 }), (text, count) => {
        const cards = gpus('H200', count).map(({ slot }) => unknownGpu(`[${text}]`, slot))
        const answer = nodeTypeOf(cards)
        if (!answer.ok) return
        expect(answer.nodeType).toMatch(/^node-[A-Za-z0-9][A-Za-z0-9-]{0,60}x\d{1,3}$/)
        const expected = expectationOf(answer.nodeType)
        expect(expected?.count).toBe(count)
        expect(compareInventory(expected, cards)).toEqual([])
      }),
    )
  })
})
