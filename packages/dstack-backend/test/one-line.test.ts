import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { oneLine } from '../src/one-line.js'
import { anyText } from './_any-text.js'

describe('oneLine', () => {
  it('leaves a plain text as it is', () => {
    expect(oneLine('H200 SXM 141GB, 显卡 🚀', 30)).toBe('H200 SXM 141GB, 显卡 🚀')
  })

  it('makes one blank of whatever is no visible character', () => {
    expect(oneLine(' a\r\n\tb\u0000\u001b\u202ec\u2028d\ud800 ', 30)).toBe('a b c d')
  })

  it('cuts a long text, but no character', () => {
    expect(oneLine('abcdef', 3)).toBe('abc…')
    expect(oneLine('ab🚀def', 3)).toBe('ab…')
  })

  it('is short, and fit for a log, whatever the text is', () => {
    fc.assert(
      fc.property(anyText(), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const line = oneLine(text, max)
        expect(line.length).toBeLessThanOrEqual(max + 1)
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
      }),
    )
  })
})
