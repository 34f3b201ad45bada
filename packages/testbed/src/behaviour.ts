/** Another answer than the usual one; nothing the request asks for is done. */
export interface Raw {
  kind: 'raw'
  /** 200 unless said otherwise. */
  status?: number
  /** Sent as given; `content-type: application/json` unless it names another. */
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array
}

/** What goes wrong between a client and any server. */
export type Fault =
  /** The request is accepted and never answered. */
  | { kind: 'hang' }
  /** The connection is reset before an answer. */
  | { kind: 'reset' }
  /** A byte now and then, never complete: of the body, or already of the headers. */
  | { kind: 'drip'; everyMs?: number; part?: 'headers' | 'body' }
  /** The usual answer, byte by byte, until it is complete. */
  | { kind: 'slow'; everyMs?: number }
  /** Half of the promised `content-length`, then a reset. */
  | { kind: 'short' }
  /** The usual answer, padded with white space to this size (5 MiB), with or without a length. */
  | { kind: 'huge'; bytes?: number; chunked?: boolean }

/** The usual answer. */
export interface Ok {
  kind: 'ok'
}

/** Holds the request until the promise settles, then does as `then` says (the usual thing). */
export interface Gate<Step> {
  kind: 'gate'
  until: Promise<unknown>
  then?: Step
}

/** Begins again after the last one. */
export interface Flapping<Behaviour> {
  kind: 'flapping'
  behaviours: readonly Behaviour[]
}

/** One behaviour that stays, a queue used up one per request, or several in turn for ever. */
export type Script<Behaviour> = Behaviour | readonly Behaviour[] | Flapping<Behaviour>

/** Makes the promise of a gate, and the way to open it. */
export function createGate(): { until: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const until = new Promise<void>((resolve) => (open = resolve))
  return { until, open }
}

/** Waits at a gate and tells what to do behind it. */
export async function passGate<Step extends { kind: string }>(
  behaviour: Step | Gate<Step>,
): Promise<Step | Ok> {
  if (!isGate(behaviour)) return behaviour
  await behaviour.until.catch(() => undefined)
  return behaviour.then ?? { kind: 'ok' }
}

function isGate<Step extends { kind: string }>(
  behaviour: Step | Gate<Step>,
): behaviour is Gate<Step> {
  return behaviour.kind === 'gate'
}
