import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineCounter } from '../../../src/admin/lint/line-counter.js'

describe('createLineCounter', () => {
  it('counts the lines before each offset', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r\n') })
    fc.assert(
      fc.property(text, fc.array(fc.nat(20)), (text, offsets) => {
        const lineAt = createLineCounter(text)
        for (const offset of offsets.sort((a, b) => a - b)) {
          expect(lineAt(offset)).toBe(text.slice(0, offset).split('\n').length)
        }
      }),
    )
  })
})
