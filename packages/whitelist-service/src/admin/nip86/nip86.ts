import type { Logger } from '@dstack-node/service-kit'
import type { AdminListFormat } from '../../list/list-format.js'
import { ChangeError } from '../change-error.js'
import type { Change } from '../change.js'
import { MethodError } from './method-error.js'
import { parseCall, parseChangeParams, type ChangeParams } from './nip86-call.js'

/** What the methods work with. */
export interface Nip86Dependencies {
  /** Makes a change for an admin; when it returns, the change lasts and the service answers by it. */
  change: (change: Change, by: string) => Promise<void>
  /** A list as the answer to the method that asks for it, in UTF-8. */
  list: (format: AdminListFormat) => Promise<Uint8Array>
  log: Logger
}

/** The answer to a call, good or bad; always sent with status 200. */
export interface Nip86Answer {
  /** The method, where there is one of that name. */
  method: string | undefined
  outcome: 'done' | 'error'
  /** JSON: `{"result": …}` or `{"error": "…"}`, never both, not even as null. */
  body: string | Uint8Array
}

/** Answers the body of a request that comes from an admin. Never throws. */
export type AnswerCall = (body: Uint8Array, by: string) => Promise<Nip86Answer>

type Method = (params: readonly unknown[], by: string) => Promise<string | Uint8Array>

/** The methods of NIP-86 that this service has. */
export function createNip86({ change, list, log }: Nip86Dependencies): AnswerCall {
  const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
    ['supportedmethods', async () => resultOf([...methods.keys()])],
    ['allowpubkey', changing((params) => ({ action: 'allow', ...params }))],
    ['unallowpubkey', changing((params) => ({ action: 'unallow', ...params }))],
    ['listallowedpubkeys', async () => list('nip86_allowed')],
    ['banpubkey', changing((params) => ({ action: 'ban', ...params }))],
    ['unbanpubkey', changing((params) => ({ action: 'unban', ...params }))],
    ['listbannedpubkeys', async () => list('nip86_banned')],
  ])

  function changing(changeOf: (params: ChangeParams) => Change): Method {
    return async (params, by) => {
      await change(changeOf(parseChangeParams(params)), by)
      return resultOf(true)
    }
  }

  return async (body, by) => {
    let known: string | undefined
    try {
      const { method, params } = parseCall(body)
      const run = methods.get(method)
      if (!run) throw new MethodError('there is no such method here; supportedmethods lists them')
      known = method
      return { method: known, outcome: 'done', body: await run(params, by) }
    } catch (error) {
      const message = explain(log, error)
      return { method: known, outcome: 'error', body: JSON.stringify({ error: message }) }
    }
  }
}

function resultOf(result: unknown): string {
  return JSON.stringify({ result })
}

/** What the admin is told; of anything unforeseen, the log alone is. */
function explain(log: Logger, error: unknown): string {
  if (error instanceof MethodError) return error.message
  if (error instanceof ChangeError) {
    log.error({ code: error.code, problem: error.message }, 'a change over HTTP was not made')
    return error.message
  }
  log.error({ err: error }, 'a method of an admin failed')
  return 'something went wrong inside; see the log'
}
