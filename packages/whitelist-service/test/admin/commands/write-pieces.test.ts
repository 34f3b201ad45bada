import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  widthsOf,
  writeJson,
  writePieces,
  writeRows,
} from '../../../src/admin/commands/write-pieces.js'

/** An output whose reader goes after so many pieces. */
function makeOutput(patience = Infinity) {
  const pieces: string[] = []
  const write = async (text: string) => pieces.push(text) < patience
  return { output: { isTerminal: false, write }, pieces }
}

describe('writePieces', () => {
  it('puts small pieces together, and never makes large ones', async () => {
    const { output, pieces } = makeOutput()
    await writePieces(
      output,
      Array.from({ length: 10_000 }, () => 'twenty characters ..'),
    )
    expect(pieces.join('')).toHaveLength(200_000)
    expect(pieces).toHaveLength(4)
  })

  it('ends when nobody reads any more', async () => {
    const { output, pieces } = makeOutput(2)
    function* endless() {
      for (;;) yield 'x'.repeat(10_000)
    }
    await writePieces(output, endless())
    expect(pieces).toHaveLength(2)
  })
})

describe('writeRows', () => {
  it('aligns all columns but the last', async () => {
    const { output, pieces } = makeOutput()
    const rows = [
      ['a', 'bb', 'c'],
      ['aaa', '', 'a long one'],
      ['aa', 'b', ''],
    ]
    await writeRows(output, rows, widthsOf(rows))
    expect(pieces).toEqual(['a    bb  c\naaa      a long one\naa   b\n'])
  })
})

describe('writeJson', () => {
  it('writes what JSON.stringify would', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        async (head, rows) => {
          const { output, pieces } = makeOutput()
          await writeJson(output, head, 'rows', rows)
          const expected = { ...head, rows }
          expect(JSON.parse(pieces.join(''))).toEqual(JSON.parse(JSON.stringify(expected)))
          expect(pieces.join('')).toMatch(/\n$/)
        },
      ),
    )
  })
})
