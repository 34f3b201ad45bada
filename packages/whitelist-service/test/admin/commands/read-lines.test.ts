import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../../src/admin/commands/read-lines.js'

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(piecewise(chunks))) lines.push(line)
  return lines
}

async function* piecewise<T>(pieces: readonly T[]): AsyncGenerator<T> {
  yield* pieces
}

describe('readLines', () => {
  it('reads the same lines however the text is cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\n', '\r\n') })
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(30)), async (text, cuts) => {
        const bytes = Buffer.from(text)
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
        expect(await linesOf(chunks)).toEqual(text.split('\n'))
      }),
    )
  })

  it('drops a byte order mark', async () => {
    expect(await linesOf([Buffer.from('\ufeffa\nb')])).toEqual(['a', 'b'])
  })

  it('reads texts as well', async () => {
    const lines: string[] = []
    for await (const line of readLines(piecewise(['a\n', 'b']))) lines.push(line)
    expect(lines).toEqual(['a', 'b'])
  })

  it('refuses what has no line ends', async () => {
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(64 * 1024, 'a'))
    await expect(linesOf(chunks)).rejects.toThrow(/^standard input has a line that is too long/)
  })

  it('tells that standard input can not be read', async () => {
    async function* broken(): AsyncGenerator<string> {
      yield 'a\n'
      throw Object.assign(new Error('hunter2'), { code: 'EISDIR' })
    }
    await expect(async () => {
      for await (const line of readLines(broken())) expect(line).toBe('a')
    }).rejects.toThrow("standard input can't be read (EISDIR)")
  })
})
