import { describe, expect, it } from 'vitest'
import { createTurns } from '../../../src/admin/writing/turns.js'

const LIMIT = { waitMs: 60_000, giveUp: () => new Error('too long') }

function closedDoor() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return {
    opened,
    open: () => {
      open()
    },
  }
}

describe('createTurns', () => {
  it('runs tasks of one name one after the other, in their order', async () => {
    const turns = createTurns()
    const log: string[] = []
    const task = (name: string) => async () => {
      log.push(`${name} begins`)
      await new Promise(setImmediate)
      log.push(`${name} ends`)
      return name
    }
    const names = ['a', 'b', 'c']
    expect(await Promise.all(names.map((name) => turns.take('x', task(name), LIMIT)))).toEqual(
      names,
    )
    expect(log).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]))
  })

  it('lets tasks of another name run at once', async () => {
    const turns = createTurns()
    const { open, opened } = closedDoor()
    const first = turns.take('x', () => opened, LIMIT)
    await turns.take(
      'y',
      async () => {
        open()
      },
      LIMIT,
    )
    await first
  })

  it('goes on after a task that failed', async () => {
    const turns = createTurns()
    const failed = turns.take('x', () => Promise.reject(new Error('no')), LIMIT)
    const next = turns.take('x', async () => 'next', LIMIT)
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('next')
  })

  it('gives up waiting in time, never runs that task, and lets nobody overtake', async () => {
    const turns = createTurns()
    const { open, opened } = closedDoor()
    const log: string[] = []
    const first = turns.take('x', () => opened.then(() => log.push('first')), LIMIT)
    const second = turns.take('x', async () => log.push('second'), { ...LIMIT, waitMs: 1 })
    const third = turns.take('x', async () => log.push('third'), LIMIT)
    await expect(second).rejects.toThrow('too long')
    open()
    await Promise.all([first, third])
    expect(log).toEqual(['first', 'third'])
  })
})
