import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTorn } from '../../../src/admin/writing/torn-write.js'

const bytes = fc.uint8Array({ maxLength: 40, max: 3 })
/** Of several sectors, in which a power cut may leave parts of each. */
const sectors = fc
  .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 512 })), { maxLength: 4 })
  .map((runs) => Buffer.concat(runs.map(([value, length]) => Buffer.alloc(length, value))))

function isEither(content: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  return Buffer.compare(content, before) === 0 || Buffer.compare(content, after) === 0
}

describe('isTorn', () => {
  it('knows every state that an interrupted overwriting leaves', () => {
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        for (let written = 0; written <= after.length; written += 1) {
          const content = Buffer.concat([after.subarray(0, written), before.subarray(written)])
          expect(isTorn(content, before, after)).toBe(!isEither(content, before, after))
        }
      }),
    )
  })

  it('knows what a power cut leaves: sectors of the one and of the other', () => {
    fc.assert(
      fc.property(sectors, sectors, fc.infiniteStream(fc.boolean()), (before, after, coins) => {
        const longer = before.length > after.length ? before : after
        const pieces = []
        for (let start = 0; start < longer.length; start += 512) {
          const [a, b] = [before, after].map((text) => text.subarray(start, start + 512))
          const [one, other] = coins.next().value ? [a, b] : [b, a]
          pieces.push(one?.length === longer.subarray(start, start + 512).length ? one : other)
        }
        const content = Buffer.concat(pieces as Uint8Array[])
        expect(isTorn(content, before, after)).toBe(!isEither(content, before, after))
      }),
    )
  })

  it.each(['', '{', '{"a": 3}\n', '{"a": 1}', '{"a": 1, "b": 3}\n', '{"a": 1, "b": 2}\n\n'])(
    'knows a later edit: %j',
    (edit) => {
      const [before, after] = [Buffer.from('{"a": 1}\n'), Buffer.from('{"a": 1, "b": 2}\n')]
      expect(isTorn(Buffer.from(edit), before, after)).toBe(false)
    },
  )

  it('leaves both contents alone', () => {
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        expect(isTorn(before, before, after)).toBe(false)
        expect(isTorn(after, before, after)).toBe(false)
      }),
    )
  })
})
