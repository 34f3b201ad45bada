import type { IncomingMessage, ServerResponse } from 'node:http'
import { passGate, type Fault, type Gate, type Ok, type Raw, type Script } from './behaviour.js'
import type { Certificate } from './certificate.js'
import { resetConnection, sendAnswer, sendFault, sendRaw, type Answer } from './http-answers.js'
import { startHttpListener } from './http-listener.js'
import {
  errorAnswer,
  permissionAnswer,
  registerAnswer,
  type RegistryState,
} from './registry-answers.js'
import { parsePrefix, routeRequest } from './registry-routes.js'
import type { Worker } from './registry-workers.js'
import { createRequestLog, readRequest, type SeenRequest } from './request-log.js'
import { createScriptPlayer } from './script-player.js'

/** What one request does; `lost` does what was asked and cuts the connection instead of answering. */
export type RegistryStep =
  | Ok
  | Fault
  | { kind: 'lost' }
  /** With `applied`, what was asked is done all the same. */
  | (Raw & { applied?: boolean })
export type RegistryBehaviour = RegistryStep | Gate<RegistryStep>

export interface SimulatedRegistryOptions {
  /** 127.0.0.1 unless said otherwise. */
  host?: string
  /** A free one unless said otherwise. */
  port?: number
  /** Path before `/permissions` and `/workers`, such as `/v1`. */
  prefix?: string
  /** Without one it speaks plain HTTP. */
  tls?: Certificate
  permission?: Script<RegistryBehaviour>
  register?: Script<RegistryBehaviour>
}

/** The registry of the message network, which misbehaves on request. */
export interface SimulatedRegistry {
  /** Base URL, with the prefix. */
  readonly url: string
  /** The workers by public key. */
  readonly workers: ReadonlyMap<string, Worker>
  readonly requests: readonly SeenRequest[]
  /** Resolves once that many requests have arrived in all. */
  received: (count: number) => Promise<void>
  /** Lets a key take part, registered or not. */
  permit: (pubkey: string) => void
  /** Withdraws the permission; the worker stays known, so registering it again is a 409. */
  revoke: (pubkey: string) => void
  /** How `GET /permissions/<pubkey>` is answered from now on. */
  onPermission: (script: Script<RegistryBehaviour>) => void
  /** How `POST /workers` is answered from now on. */
  onRegister: (script: Script<RegistryBehaviour>) => void
  /** Ends every connection and refuses new ones until `start`. */
  stop: () => Promise<void>
  start: () => Promise<void>
  restart: () => Promise<void>
  close: () => Promise<void>
}

const MAX_BODY_BYTES = 64 * 1024

/** Starts a simulated registry and resolves once it accepts connections. */
export async function startSimulatedRegistry(
  options: SimulatedRegistryOptions = {},
): Promise<SimulatedRegistry> {
  const prefix = parsePrefix(options.prefix ?? '')
  const state: RegistryState = { workers: new Map(), permitted: new Set() }
  const log = createRequestLog()
  const permission = createScriptPlayer(options.permission)
  const register = createScriptPlayer(options.register)

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming, MAX_BODY_BYTES)
    log.record(request.seen)
    const route = routeRequest(prefix, request.seen)
    switch (route.kind) {
      case 'permission':
        await perform(response, permission.next(), () => permissionAnswer(state, route.pubkey))
        return
      case 'register':
        await perform(response, register.next(), () => registerAnswer(state, request))
        return
      case 'wrong-method':
        sendAnswer(response, errorAnswer(405, 'method not allowed'))
        return
      case 'unknown-path':
        sendAnswer(response, errorAnswer(404, 'not found'))
        return
    }
  }

  const { host = '127.0.0.1', port = 0, tls } = options
  const listener = await startHttpListener(handle, { host, port }, tls)
  return {
    url: listener.url + prefix,
    workers: state.workers,
    requests: log.requests,
    received: log.received,
    permit: (pubkey) => void state.permitted.add(pubkey),
    revoke: (pubkey) => void state.permitted.delete(pubkey),
    onPermission: permission.play,
    onRegister: register.play,
    stop: listener.stop,
    start: listener.start,
    restart: listener.restart,
    close: listener.stop,
  }
}

async function perform(
  response: ServerResponse,
  behaviour: RegistryBehaviour,
  usual: () => Answer,
): Promise<void> {
  const step = await passGate<RegistryStep>(behaviour)
  if (step.kind === 'ok') sendAnswer(response, usual())
  else if (step.kind === 'lost') {
    usual()
    resetConnection(response)
  } else if (step.kind === 'raw') {
    if (step.applied) usual()
    sendRaw(response, step)
  } else sendFault(response, step, usual)
}
