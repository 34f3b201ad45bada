import { Agent, type Dispatcher } from 'undici'
import { RequestError, requestBounded } from '../requests/bounded-request.js'
import { MAX_ANSWER_BYTES, parseAnswer, type GpuReading } from './dstack-answer.js'
import { createTokenReader, type TokenReading, type TokenSource } from './dstack-token.js'
import type { Endpoint } from '../requests/endpoint.js'

export type { DstackFailure, Gpu, GpuReading } from './dstack-answer.js'

/** Asks the VMM once. Never rejects. */
export type ListGpus = () => Promise<GpuReading>

const DEADLINE_MS = 2_500

/**
 * A dispatcher for the VMM. Connections are not kept: the VMM closes idle ones after 10 s, a restart
 * replaces its socket, and a call costs it a forked process anyway.
 */
export function createDstackDispatcher({ socketPath }: Endpoint): Dispatcher {
  const connect = socketPath === undefined ? {} : { socketPath }
  return new Agent({ pipelining: 0, connect: { ...connect, timeout: DEADLINE_MS } })
}

/**
 * The RPC `ListGpus` of the VMM at `endpoint` (dstack `vmm/rpc/proto/vmm_rpc.proto`). When it refuses a
 * token from a file that holds another one by now, it is asked once more, within the same 2.5 s.
 */
export function createListGpus(
  endpoint: Endpoint,
  dispatcher: Dispatcher,
  source: TokenSource = { kind: 'none' },
): ListGpus {
  const tokens = createTokenReader(source)
  return async () => {
    const endMs = performance.now() + DEADLINE_MS
    const leftMs = () => Math.max(1, Math.ceil(endMs - performance.now()))
    const call = (token: string | undefined) => {
      const credentials = token === undefined ? endpoint.authorization : `Bearer ${token}`
      return ask(endpoint.baseUrl, credentials, dispatcher, leftMs())
    }
    const held = await tokens.read(leftMs())
    if (!held.ok) return { ok: false, failure: 'auth', ...describeProblem(held) }
    const reading = await call(held.token)
    if (source.kind !== 'file' || reading.ok || reading.failure !== 'auth') return reading
    const next = await tokens.readAgain(leftMs())
    if (!next.ok) return { ...reading, ...describeProblem(next) }
    return next.token === held.token ? reading : call(next.token)
  }
}

async function ask(
  baseUrl: string,
  authorization: string | undefined,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<GpuReading> {
  try {
    const response = await requestBounded({
      url: `${baseUrl}/prpc/ListGpus?json`,
      method: 'GET',
      headers: {
        accept: 'application/json',
        ...(authorization !== undefined && { authorization }),
      },
      dispatcher,
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    })
    return parseAnswer(response, authorization)
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    return { ok: false, failure: error.kind, detail: error.code }
  }
}

function describeProblem({ problem, code }: TokenReading & { ok: false }) {
  const reason = code === undefined ? problem : `${problem}, ${code}`
  return { tokenProblem: problem, detail: `the token file: ${reason}` }
}
