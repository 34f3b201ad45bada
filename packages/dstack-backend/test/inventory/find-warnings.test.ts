import { ODD_GPUS } from '@dstack-node/testbed'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findInventoryWarnings } from '../../src/inventory/find-warnings.js'
import { anyText } from '../_any-text.js'
import { gpus, toGpus, unknownGpu } from './_gpus.js'

const H200x8 = { model: 'H200', count: 8 }

/** The only warning there is. */
function theWarning(...args: Parameters<typeof findInventoryWarnings>) {
  const [warning, ...others] = findInventoryWarnings(...args)
  expect(others).toEqual([])
  if (!warning) throw new Error('there is no warning')
  return warning
}

describe('findInventoryWarnings', () => {
  it('has none where everything is as expected', () => {
    expect(findInventoryWarnings(H200x8, gpus('H200', 8))).toEqual([])
    expect(findInventoryWarnings(undefined, gpus('H200', 8))).toEqual([])
    expect(findInventoryWarnings({ count: 0 }, [])).toEqual([])
  })

  it('warns of no_gpus, with everything that may be the cause', () => {
    const { code, message, nextStep } = theWarning(H200x8, [])
    expect(code).toBe('no_gpus')
    expect(message).toBe('the VMM lists no GPU, but H200x8 is expected')
    for (const cause of [
      '[cvm.gpu]',
      'enabled',
      'listing',
      'include',
      'exclude',
      'lspci',
      'vmm.toml',
    ]) {
      expect(nextStep).toContain(cause)
    }
    expect(theWarning(undefined, []).message).toBe('the VMM lists no GPU')
  })

  it('warns of gpus_missing, with the slots that are seen', () => {
    const { code, message, nextStep } = theWarning(H200x8, gpus('H200', 7))
    expect(code).toBe('gpus_missing')
    expect(message).toBe(
      '7 GPUs are there, but H200x8 is expected; seen: 18:00.0, 2a:00.0, 3a:00.0, 5d:00.0, 9a:00.0, ab:00.0, ba:00.0',
    )
    expect(nextStep).toContain('lspci')
    expect(theWarning({ count: 2 }, gpus('H200', 1)).message).toBe(
      '1 GPU is there, but 2 are expected; seen: 18:00.0',
    )
  })

  it('warns of gpus_extra', () => {
    const { code, message, nextStep } = theWarning({ model: 'B300', count: 1 }, gpus('B300', 2))
    expect(code).toBe('gpus_extra')
    expect(message).toBe('2 GPUs are there, but B300x1 is expected; seen: 19:00.0, 00:00.0')
    expect(nextStep).toContain('EXPECTED_GPUS')
  })

  it('warns of wrong_model, with what is where', () => {
    const { code, message } = theWarning({ model: 'H200', count: 3 }, [
      ...gpus('H200', 1),
      ...gpus('H100', 2),
    ])
    expect(code).toBe('wrong_model')
    expect(message).toBe('H200x3 is expected, but there is H100 SXM5 80GB in 1b:00.0, 43:00.0')
  })

  it('warns of unknown_model', () => {
    const { code, message, nextStep } = theWarning({ model: 'H200', count: 1 }, [
      unknownGpu('NVIDIA Corporation'),
    ])
    expect(code).toBe('unknown_model')
    expect(message).toBe('H200x1 is expected, but nothing names the model of 10de:fffe in 01:00.0')
    expect(nextStep).toContain('update-pciids')
  })

  it('warns of duplicate_slots', () => {
    const { code, message } = theWarning(undefined, [...gpus('H200', 2), ...gpus('H200', 1)])
    expect(code).toBe('duplicate_slots')
    expect(message).toBe('the VMM lists more than one GPU in the same slot: 18:00.0')
  })

  it('keeps to a readable length with 200 GPUs', () => {
    const warnings = [
      theWarning({ count: 201 }, gpus('H200', 200)),
      theWarning({ model: 'H100', count: 200 }, gpus('H200', 200)),
    ]
    for (const { message } of warnings) {
      expect(message).toContain(' and 184 more')
      expect(message.length).toBeLessThan(300)
    }
  })

  it('shows other scripts, and no control characters', () => {
    const [strange] = toGpus([ODD_GPUS.strangeText])
    const card = { slot: '2a\u0007:\n00.0', productId: '1002:\u001b[2J', isFree: true }
    const shown = findInventoryWarnings({ model: 'B200', count: 1 }, [
      { ...card, description: '[显卡 🚀\u202e\u0000]' },
      { ...card, slot: '', description: '' },
      ...(strange ? [strange] : []),
    ])
    expect(shown.map(({ code }) => code)).toEqual(['gpus_extra', 'wrong_model', 'unknown_model'])
    const text = shown.map(({ message }) => message).join('|')
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(text).toContain('显卡 🚀 in 2a : 00.0')
    expect(text).toContain('a slot without a name')
  })

  it('stays on one short line whatever the VMM says', () => {
    const text = anyText(300)
    const card = fc.record({
      slot: text,
      productId: fc.oneof(text, fc.constant('10de:2335')),
      description: fc.oneof(
        text,
        text.map((name) => `[${name}]`),
      ),
      isFree: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(card), (cards) => {
        for (const { message } of findInventoryWarnings({ model: 'H100', count: 1 }, cards)) {
          expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
          expect(message.length).toBeLessThan(1_000)
        }
      }),
    )
  })
})
