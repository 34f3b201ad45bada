import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextColumn, textAt } from '../../src/list/text-column.js'

const anyTexts = fc
  .array(fc.option(fc.string({ unit: 'binary' }), { nil: undefined }))
  .map((texts) => ({
    size: texts.length,
    texts: new Map(
      [...texts.entries()].filter((entry): entry is [number, string] => entry[1] !== undefined),
    ),
  }))

describe('a text column', () => {
  it('holds what a Map would hold', () => {
    fc.assert(
      fc.property(anyTexts, ({ size, texts }) => {
        const column = createTextColumn(size, texts)
        for (let position = 0; position < size; position += 1) {
          // An empty text is none.
          const text = texts.get(position)
          expect(textAt(column, position)).toBe(text === '' ? undefined : text)
        }
      }),
    )
  })

  it('has nothing beyond its positions', () => {
    const column = createTextColumn(2, new Map([[1, 'b']]))
    expect([-1, 0, 1, 2, 3].map((position) => textAt(column, position))).toEqual([
      undefined,
      undefined,
      'b',
      undefined,
      undefined,
    ])
  })

  it('takes no room where there are no texts', () => {
    const { offsets, bytes } = createTextColumn(1000, new Map())
    expect([offsets.length, bytes.length]).toEqual([0, 0])
    expect(textAt({ offsets, bytes }, 5)).toBeUndefined()
  })

  it('is shared with another thread, not copied', () => {
    const column = structuredClone(createTextColumn(2, new Map([[0, 'Ann']])))
    expect(column.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(textAt(column, 0)).toBe('Ann')
  })

  it('puts a sign in place of half a character', () => {
    expect(textAt(createTextColumn(1, new Map([[0, '\ud83d']])), 0)).toBe('\ufffd')
  })
})
