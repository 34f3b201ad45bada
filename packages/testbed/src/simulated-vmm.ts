import type { IncomingMessage, ServerResponse } from 'node:http'
import { passGate, type Fault, type Gate, type Ok, type Raw, type Script } from './behaviour.js'
import { gpuCards, type GpuCard } from './gpu-fixtures.js'
import { sendAnswer, sendFault, sendRaw, type Answer } from './http-answers.js'
import { startHttpListener, type ListenAddress } from './http-listener.js'
import { createRequestLog, readRequest, type SeenRequest } from './request-log.js'
import { createScriptPlayer } from './script-player.js'
import {
  failureAnswer,
  gpusAnswer,
  otherAnswer,
  refusal,
  stamped,
  tooLargeAnswer,
  type VmmState,
} from './vmm-answers.js'
import { notFoundAnswer, parseRpcCall, type RpcCall } from './vmm-routes.js'
import { parseVmmVersion } from './vmm-version.js'

/** What one `ListGpus` does; `failure` is the VMM's own error answer, such as a missing lspci. */
export type VmmStep = Ok | Raw | Fault | { kind: 'failure'; message?: string }
export type VmmBehaviour = VmmStep | Gate<VmmStep>

export interface SimulatedVmmOptions {
  /** A free port on 127.0.0.1 unless said otherwise. */
  listen?: ListenAddress
  /** One free H200 unless said otherwise. */
  gpus?: readonly GpuCard[]
  allowAttachAll?: boolean
  version?: string
  /** Guards everything from version 0.6.0 on; an empty one refuses everybody. */
  token?: string
  behave?: Script<VmmBehaviour>
}

/** A DStack VMM that speaks as the real one does, and misbehaves on request. */
export interface SimulatedVmm {
  /** `http://127.0.0.1:PORT` or `unix:///path`. */
  readonly url: string
  /** How many times `ListGpus` was asked for, whatever became of it. */
  readonly calls: number
  readonly requests: readonly SeenRequest[]
  /** Resolves once that many requests have arrived in all. */
  received: (count: number) => Promise<void>
  setGpus: (gpus: readonly GpuCard[]) => void
  setToken: (token: string | undefined) => void
  /** How `ListGpus` is answered from now on; other methods always work. */
  behave: (script: Script<VmmBehaviour>) => void
  /** Ends every idle connection, as the VMM does after 10 s. */
  closeIdle: () => void
  /** Ends every connection and refuses new ones until `start`. */
  stop: () => Promise<void>
  start: () => Promise<void>
  /** Ends every connection and comes back at the same address, a socket with a new inode. */
  restart: () => Promise<void>
  close: () => Promise<void>
}

// The VMM's own limit.
const MAX_BODY_BYTES = 10 * 1024 * 1024

/** Starts a simulated VMM and resolves once it accepts connections. */
export async function startSimulatedVmm(options: SimulatedVmmOptions = {}): Promise<SimulatedVmm> {
  const state: VmmState = {
    version: parseVmmVersion(options.version ?? '0.5.11'),
    gpus: options.gpus ?? gpuCards('H200', 1),
    allowAttachAll: options.allowAttachAll ?? true,
    token: options.token,
  }
  const log = createRequestLog()
  const script = createScriptPlayer(options.behave)
  let calls = 0

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { seen, tooLarge } = await readRequest(request, MAX_BODY_BYTES)
    const call = parseRpcCall(seen)
    if (call?.method === 'ListGpus') calls += 1
    log.record(seen)
    const refused = refusal(state, seen)
    if (refused) send(response, refused)
    else if (!call) send(response, notFoundAnswer(seen.headers.accept))
    else if (tooLarge) send(response, tooLargeAnswer(call))
    else if (call.method !== 'ListGpus') send(response, otherAnswer(state, call))
    else await listGpus(response, call)
  }

  async function listGpus(response: ServerResponse, call: RpcCall): Promise<void> {
    const step = await passGate<VmmStep>(script.next())
    if (step.kind === 'ok') send(response, gpusAnswer(state, call))
    else if (step.kind === 'failure') send(response, failureAnswer(call, step.message))
    else if (step.kind === 'raw') sendRaw(response, step)
    else sendFault(response, step, () => stamped(state, gpusAnswer(state, call)))
  }

  function send(response: ServerResponse, answer: Answer): void {
    sendAnswer(response, stamped(state, answer))
  }

  const listener = await startHttpListener(handle, options.listen)
  return {
    url: listener.url,
    requests: log.requests,
    get calls() {
      return calls
    },
    received: log.received,
    setGpus: (gpus) => void (state.gpus = gpus),
    setToken: (token) => void (state.token = token),
    behave: script.play,
    closeIdle: listener.closeIdle,
    stop: listener.stop,
    start: listener.start,
    restart: listener.restart,
    close: listener.stop,
  }
}
