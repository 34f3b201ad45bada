import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countCards, repeatedSlots } from '../../src/inventory/slots.js'

const inSlots = (...slots: string[]) => slots.map((slot) => ({ slot }))

describe('countCards', () => {
  it('counts a slot once, and every card without one', () => {
    expect(countCards(inSlots('18:00.0', '2a:00.0', '18:00.0'))).toBe(2)
    expect(countCards(inSlots('', '', '18:00.0'))).toBe(3)
    expect(countCards([])).toBe(0)
  })

  it('counts all where no slot is repeated, and fewer where one is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2 })), (slots) => {
        const gpus = inSlots(...slots)
        expect(countCards(gpus) === gpus.length).toBe(repeatedSlots(gpus).length === 0)
      }),
    )
  })
})

describe('repeatedSlots', () => {
  it('names each slot once that is there more than once', () => {
    expect(repeatedSlots(inSlots('a', 'b', 'a', 'c', 'a', 'b'))).toEqual(['a', 'b'])
    expect(repeatedSlots(inSlots('', ''))).toEqual([])
  })
})
