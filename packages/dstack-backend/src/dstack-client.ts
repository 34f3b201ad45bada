import { Agent, type Dispatcher } from 'undici'
import * as z from 'zod'
import { parseJson, RequestError, requestBounded, type BoundedResponse } from './bounded-request.js'
import type { Endpoint } from './endpoint.js'

/** A GPU as the VMM lists it. `isFree` is a hint, no verdict on the card's health. */
export interface Gpu {
  slot: string
  productId: string
  description: string
  isFree: boolean
}

/** Why there is no list of GPUs. */
export type DstackFailure = 'connect' | 'timeout' | 'auth' | 'http' | 'invalid' | 'too_large'

/** What the VMM said, or why it said nothing that makes sense; `detail` is for the log. */
export type GpuReading =
  | { ok: true; gpus: Gpu[]; allowAttachAll: boolean }
  | { ok: false; failure: DstackFailure; detail: string }

/** Asks the VMM once. Never rejects. */
export type ListGpus = () => Promise<GpuReading>

const DEADLINE_MS = 2_500
const MAX_BYTES = 1024 * 1024

/** In proto3's JSON a field that is absent or null has its default value; older VMMs leave some out. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)
const listGpusSchema = z.object({
  gpus: z.array(z.object({ slot: text, product_id: text, description: text, is_free: flag })),
  allow_attach_all: flag,
})

/**
 * A dispatcher for the VMM. Connections are not kept: the VMM closes idle ones after 10 s, a restart
 * replaces its socket, and a call costs it a forked process anyway.
 */
export function createDstackDispatcher({ socketPath }: Endpoint): Dispatcher {
  const connect = socketPath === undefined ? {} : { socketPath }
  return new Agent({ pipelining: 0, connect: { ...connect, timeout: DEADLINE_MS } })
}

/** The RPC `ListGpus` of the VMM at `endpoint` (dstack `vmm/rpc/proto/vmm_rpc.proto`). */
export function createListGpus(endpoint: Endpoint, dispatcher: Dispatcher): ListGpus {
  const { baseUrl, authorization } = endpoint
  return async () => {
    try {
      return parseAnswer(
        await requestBounded({
          url: `${baseUrl}/prpc/ListGpus?json`,
          method: 'GET',
          headers: {
            accept: 'application/json',
            ...(authorization !== undefined && { authorization }),
          },
          dispatcher,
          timeoutMs: DEADLINE_MS,
          maxBytes: MAX_BYTES,
        }),
      )
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      return { ok: false, failure: error.kind, detail: error.code }
    }
  }
}

function parseAnswer(response: BoundedResponse): GpuReading {
  const { status, text: body, truncated, bodyError } = response
  if (status === 401 || status === 403) return fail('auth', `status ${status}`)
  if (status !== 200) return fail('http', `status ${status}`)
  if (bodyError) return fail(bodyError.kind, bodyError.code)
  if (truncated) return fail('too_large', `more than ${MAX_BYTES} bytes`)
  const parsed = listGpusSchema.safeParse(parseJson(body))
  if (!parsed.success) return fail('invalid', 'the answer is no list of GPUs')
  const gpus = parsed.data.gpus.map(({ slot, product_id, description, is_free }) => ({
    slot,
    productId: product_id,
    description,
    isFree: is_free,
  }))
  return { ok: true, gpus, allowAttachAll: parsed.data.allow_attach_all }
}

function fail(failure: DstackFailure, detail: string): GpuReading {
  return { ok: false, failure, detail }
}
