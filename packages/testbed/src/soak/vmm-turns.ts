import type { VmmBehaviour } from '../simulated-vmm.js'

/** What the VMM does, one turn a call, and what the backend must count it as. */
interface VmmTurn {
  step: VmmBehaviour
  outcome: string
}

const OK: VmmTurn = { step: { kind: 'ok' }, outcome: 'ok' }
const HANG: VmmTurn = { step: { kind: 'hang' }, outcome: 'timeout' }

/** Everything that a VMM gets wrong, with good answers between; they begin again after the last. */
export const VMM_TURNS: readonly VmmTurn[] = [
  OK,
  OK,
  { step: { kind: 'failure' }, outcome: 'http' },
  OK,
  { step: { kind: 'reset' }, outcome: 'connect' },
  OK,
  HANG,
  OK,
  { step: { kind: 'huge' }, outcome: 'too_large' },
  { step: { kind: 'huge', chunked: true }, outcome: 'too_large' },
  OK,
  { step: { kind: 'short' }, outcome: 'connect' },
  { step: { kind: 'raw', body: '<html>' }, outcome: 'invalid' },
  OK,
  { step: { kind: 'drip' }, outcome: 'timeout' },
  { step: { kind: 'drip', part: 'headers' }, outcome: 'timeout' },
  OK,
  { step: { kind: 'raw', status: 401 }, outcome: 'auth' },
  { step: { kind: 'raw', status: 302, headers: { location: '/' } }, outcome: 'http' },
  OK,
  HANG,
  HANG,
  HANG,
  HANG,
  OK,
]

/** How many calls of the first `calls` turns must have come out in which way. */
export function expectedOutcomes(
  calls: number,
  turns: readonly { outcome: string }[] = VMM_TURNS,
): Map<string, number> {
  const expected = new Map<string, number>()
  for (let call = 0; call < calls; call += 1) {
    const { outcome = '' } = turns[call % turns.length] ?? {}
    expected.set(outcome, (expected.get(outcome) ?? 0) + 1)
  }
  return expected
}
