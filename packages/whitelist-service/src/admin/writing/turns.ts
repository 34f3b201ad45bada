/** Lets tasks of this thread that want the same thing have it one after the other, in their order. */
export interface Turns {
  /**
   * Runs `task` when all earlier ones for `name` have ended. Where that takes longer than `waitMs`, the
   * task never runs, and the error that `giveUp` makes is thrown.
   */
  take: <T>(name: string, task: () => Promise<T>, limit: TurnLimit) => Promise<T>
}

interface TurnLimit {
  waitMs: number
  giveUp: () => Error
}

/** A set of queues, one for each name. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()

  async function take<T>(name: string, task: () => Promise<T>, limit: TurnLimit): Promise<T> {
    const before = last.get(name) ?? Promise.resolve()
    const turn = waitFor(before, limit)
    const result = turn.then(task)
    // Who gave up still stands behind those before: nobody may overtake them.
    const over = Promise.allSettled([before, result])
    last.set(name, over)
    void over.then(() => {
      if (last.get(name) === over) last.delete(name)
    })
    return result
  }

  return { take }
}

async function waitFor(before: Promise<unknown>, { waitMs, giveUp }: TurnLimit): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(giveUp())
    }, waitMs)
  })
  try {
    await Promise.race([before, late])
  } finally {
    clearTimeout(timer)
  }
}
