import { describe, expect, it } from 'vitest'
import { bestRound } from '../../src/bench/rounds.js'

/** Rounds that take so long, one after the other; tells how many were needed and which one counted. */
async function run(...values: number[]) {
  let rounds = 0
  const best = await bestRound(
    async () => values[rounds++] ?? NaN,
    (value) => value,
    10,
  )
  return { best, rounds }
}

describe('bestRound', () => {
  it('measures once where the limit is kept', async () => {
    expect(await run(10, 1)).toEqual({ best: 10, rounds: 1 })
  })

  it('measures again where it is not, until it is', async () => {
    expect(await run(40, 9, 1)).toEqual({ best: 9, rounds: 2 })
  })

  it('gives the best of three where none keeps it', async () => {
    expect(await run(40, 30, 50, 1)).toEqual({ best: 30, rounds: 3 })
  })
})
