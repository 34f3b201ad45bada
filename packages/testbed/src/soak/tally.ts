/** What clients have sent and got, by method, route and status. */
export interface ClientTally {
  /** Of the requests that were waited for, how many got which answer: `GET /health 200`. */
  answers: Map<string, number>
  /** How many were sent by clients that do not wait: `HEAD /health`. */
  sent: Map<string, number>
  /** What came in place of an answer, where one was waited for. */
  failures: Map<string, number>
  /** Of the clients that read no answer, how many the service kept too long. */
  kept: number
}

export function createTally(): ClientTally {
  return { answers: new Map(), sent: new Map(), failures: new Map(), kept: 0 }
}

/** Adds to one of the counts. */
export function add(counts: Map<string, number>, key: string, count = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

/** All counts together. */
export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
