import { describe, expect, it } from 'vitest'
import { expectedOutcomes, VMM_TURNS } from '../../src/soak/vmm-turns.js'

describe('VMM_TURNS', () => {
  it('have every outcome that a call may have', () => {
    const outcomes = new Set(VMM_TURNS.map(({ outcome }) => outcome))
    expect([...outcomes].sort()).toEqual(
      ['auth', 'connect', 'http', 'invalid', 'ok', 'timeout', 'too_large'].sort(),
    )
  })

  it('hang so often in a row that the VMM is left alone for a while, and heal', () => {
    const outcomes = VMM_TURNS.map(({ outcome }) => outcome).join(' ')
    expect(outcomes).toMatch(/timeout timeout timeout timeout ok$/)
  })
})

describe('expectedOutcomes', () => {
  it('counts the turns, which begin again after the last', () => {
    const turns = ['ok', 'http', 'ok'].map((outcome) => ({ outcome }))
    expect(expectedOutcomes(0, turns)).toEqual(new Map())
    expect(expectedOutcomes(5, turns)).toEqual(
      new Map([
        ['ok', 3],
        ['http', 2],
      ]),
    )
  })
})
