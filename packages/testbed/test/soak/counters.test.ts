import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isKept, type Measurement } from '../../src/bench/measurement.js'
import { difference, judgeCalls, judgeRequests, parseCounter } from '../../src/soak/counters.js'
import { add, createTally, type ClientTally } from '../../src/soak/tally.js'

const METRICS = `# HELP http_requests_total Answered requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/health",status="200"} 40
http_requests_total{method="GET",route="/health",status="503"} 2
http_requests_total{method="HEAD",route="/health",status="200"} 7
http_requests_total{method="HEAD",route="/health",status="503"} 1

# TYPE dstack_vmm_calls_total counter
dstack_vmm_calls_total{outcome="ok"} 5
dstack_vmm_calls_total{outcome="timeout"} 0
dstack_vmm_calls_total{outcome="http"} 1
`

/** What the clients of those metrics counted. */
function makeTally(): ClientTally {
  const tally = createTally()
  add(tally.answers, 'GET /health 200', 40)
  add(tally.answers, 'GET /health 503', 2)
  add(tally.sent, 'HEAD /health', 9)
  return tally
}

function failing(lines: Measurement[]): string[] {
  return lines.filter((line) => !isKept(line)).map(({ what }) => what)
}

describe('parseCounter', () => {
  it('reads the series of one name, by the labels that are asked for', () => {
    expect(parseCounter(METRICS, 'dstack_vmm_calls_total', ['outcome'])).toEqual(
      new Map([
        ['ok', 5],
        ['timeout', 0],
        ['http', 1],
      ]),
    )
    const requests = parseCounter(METRICS, 'http_requests_total', ['method', 'route', 'status'])
    expect([...requests.keys()]).toContain('HEAD /health 503')
    expect(requests.size).toBe(4)
  })

  it('finds nothing where the name is only the beginning of another', () => {
    expect(parseCounter(METRICS, 'http_requests', ['status']).size).toBe(0)
  })
})

describe('difference', () => {
  const anyCounts = fc
    .dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat())
    .map((counts) => new Map(Object.entries(counts)))

  it('is 0 between equal counts, and the same from both sides', () => {
    fc.assert(
      fc.property(anyCounts, anyCounts, (one, other) => {
        expect(difference(one, one)).toBe(0)
        expect(difference(one, other)).toBe(difference(other, one))
      }),
    )
  })

  it('lets more of one and less of another not cancel out', () => {
    const one = new Map([['200', 3]])
    const other = new Map([
      ['200', 2],
      ['503', 1],
    ])
    expect(difference(one, other)).toBe(2)
  })
})

describe('judgeRequests', () => {
  it('is content where all is counted as the clients did', () => {
    expect(failing(judgeRequests(METRICS, makeTally()))).toEqual([])
  })

  it.each([
    ['an answer that was not counted', 'GET /health 200'],
    ['an answer counted under another status', 'GET /health 503'],
    ['an answer of a route that was not counted at all', 'GET /readyz 200'],
  ])('finds %s', (_name, key) => {
    const tally = makeTally()
    add(tally.answers, key)
    expect(failing(judgeRequests(METRICS, tally))).toEqual([
      'http_requests_total, not as the clients counted (43)',
    ])
  })

  it('finds more answers to clients that did not wait than they asked for', () => {
    const tally = makeTally()
    tally.sent.set('HEAD /health', 7)
    expect(failing(judgeRequests(METRICS, tally))).toEqual([
      'http_requests_total, of clients that did not wait',
    ])
  })

  it('finds a request without an answer, and a client that was kept', () => {
    const tally = makeTally()
    add(tally.failures, 'GET /health: socket hang up')
    tally.kept = 1
    expect(failing(judgeRequests(METRICS, tally))).toEqual([
      'requests left without an answer',
      'clients that read nothing, kept for ever',
    ])
  })
})

describe('judgeCalls', () => {
  const expected = new Map([
    ['ok', 5],
    ['http', 1],
  ])

  it('is content where each call is counted as what came of it', () => {
    expect(failing(judgeCalls(METRICS, expected, 6))).toEqual([])
  })

  it('finds a call that was not counted', () => {
    expect(failing(judgeCalls(METRICS, expected, 7))).toEqual([
      'dstack_vmm_calls_total, more or less than the VMM saw (7)',
    ])
  })

  it('finds a call under another outcome', () => {
    const other = new Map([
      ['ok', 5],
      ['timeout', 1],
    ])
    expect(failing(judgeCalls(METRICS, other, 6))).toEqual([
      'dstack_vmm_calls_total, under another outcome',
    ])
  })
})
