import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareBytes, shareText } from '../../src/list/shared-bytes.js'

describe('shareText', () => {
  it('is the text in UTF-8, in shared memory', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = shareText(text)
        expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
        expect(Buffer.compare(bytes, Buffer.from(text))).toBe(0)
        expect(bytes.length).toBe(bytes.buffer.byteLength)
      }),
    )
  })
})

describe('shareBytes', () => {
  it('copies what is not shared', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const shared = shareBytes(bytes.subarray(1))
    expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect([...shared]).toEqual([2, 3])
  })

  it('keeps what is shared', () => {
    const shared = shareText('a')
    expect(shareBytes(shared)).toBe(shared)
  })
})
