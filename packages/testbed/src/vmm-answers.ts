import type { GpuCard } from './gpu-fixtures.js'
import type { Answer } from './http-answers.js'
import type { SeenRequest } from './request-log.js'
import { isAuthorised } from './vmm-auth.js'
import { errorMessage, listGpusMessage, versionMessage } from './vmm-messages.js'
import { rpcAnswer, unauthorisedAnswer, type RpcCall } from './vmm-routes.js'
import type { VmmVersion } from './vmm-version.js'

/** Everything a VMM's answers depend on. */
export interface VmmState {
  version: VmmVersion
  gpus: readonly GpuCard[]
  allowAttachAll: boolean
  token: string | undefined
}

const NO_LSPCI =
  'Failed to list GPU devices: Failed to run lspci: No such file or directory (os error 2)'

/** The 401 for a request that may not come in, before its path is even looked at. */
export function refusal({ version, token }: VmmState, request: SeenRequest): Answer | undefined {
  const isOpen = !version.guardsEverything || token === undefined
  return isOpen || isAuthorised(request, token) ? undefined : unauthorisedAnswer()
}

export function gpusAnswer({ gpus, version, allowAttachAll }: VmmState, call: RpcCall): Answer {
  const message = listGpusMessage(gpus, version.knowsAttachAll ? allowAttachAll : undefined)
  return rpcAnswer(200, message, call.asJson)
}

/** A handler's error, by default that of a host without lspci; never a 500. */
export function failureAnswer(call: RpcCall, message = NO_LSPCI): Answer {
  return rpcAnswer(400, errorMessage(message), call.asJson)
}

export function tooLargeAnswer(call: RpcCall): Answer {
  return rpcAnswer(400, errorMessage('failed to read data: payload too large'), call.asJsonEarly)
}

/** The answer of every method but `ListGpus`. */
export function otherAnswer({ version }: VmmState, call: RpcCall): Answer {
  if (call.method !== 'Version') return failureAnswer(call, `Service not found: ${call.method}`)
  return rpcAnswer(200, versionMessage(version.text, version.rev), call.asJson)
}

/** Adds the headers the VMM puts on each of its answers. */
export function stamped({ version }: VmmState, answer: Answer): Answer {
  const own = {
    server: 'dstack VMM',
    'x-app-version': version.header,
    'x-accel-buffering': 'no',
  }
  return { ...answer, headers: { ...answer.headers, ...own } }
}
