import type { Measurement } from '../bench/measurement.js'
import { sum, type ClientTally } from './tally.js'

/** The series of a counter in the text format of Prometheus, by the values of these labels. */
export function parseCounter(
  metrics: string,
  name: string,
  labels: readonly string[],
): Map<string, number> {
  const series = new Map<string, number>()
  for (const line of metrics.split('\n')) {
    const [, text = '', value = ''] = /^[a-z_]+\{(.*)\} (\d+)$/.exec(line) ?? []
    if (!line.startsWith(`${name}{`) || value === '') continue
    const values = labels.map((label) => new RegExp(`\\b${label}="([^"]*)"`).exec(text)?.[1] ?? '')
    series.set(values.join(' '), Number(value))
  }
  return series
}

/** By how much two tables of counts differ, all differences added up. */
export function difference(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): number {
  const keys = [...new Set([...one.keys(), ...other.keys()])]
  return keys
    .map((key) => Math.abs((one.get(key) ?? 0) - (other.get(key) ?? 0)))
    .reduce((total, count) => total + count, 0)
}

/** Whether the service counted what its clients got, and of those that did not wait no more than they asked. */
export function judgeRequests(metrics: string, tally: ClientTally): Measurement[] {
  const counted = parseCounter(metrics, 'http_requests_total', ['method', 'route', 'status'])
  const polite = [...counted].filter(([key]) => !isOf(tally.sent, key))
  const rude = [...counted].filter(([key]) => isOf(tally.sent, key))
  const exact = (what: string, value: number): Measurement => ({
    what,
    value,
    unit: 'answers',
    limit: 0,
  })
  return [
    exact('requests left without an answer', sum(tally.failures)),
    exact(
      `http_requests_total, not as the clients counted (${sum(tally.answers)})`,
      difference(new Map(polite), tally.answers),
    ),
    {
      what: 'http_requests_total, of clients that did not wait',
      value: sum(new Map(rude)),
      unit: 'answers',
      limit: sum(tally.sent),
    },
    {
      what: 'clients that read nothing, kept for ever',
      value: tally.kept,
      unit: 'clients',
      limit: 0,
    },
  ]
}

/** Whether the calls are counted as what the VMM made of them; `calls` is how many it has seen. */
export function judgeCalls(
  metrics: string,
  expected: ReadonlyMap<string, number>,
  calls: number,
): Measurement[] {
  const counted = parseCounter(metrics, 'dstack_vmm_calls_total', ['outcome'])
  const happened = new Map([...counted].filter(([, count]) => count > 0))
  return [
    {
      what: `dstack_vmm_calls_total, more or less than the VMM saw (${calls})`,
      value: Math.abs(sum(counted) - calls),
      unit: 'calls',
      limit: 0,
    },
    {
      what: 'dstack_vmm_calls_total, under another outcome',
      value: difference(happened, expected),
      unit: 'calls',
      limit: 0,
    },
  ]
}

function isOf(sent: ReadonlyMap<string, number>, key: string): boolean {
  return sent.has(key.replace(/ \d+$/, ''))
}
