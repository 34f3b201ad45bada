import type { Verdict } from '../list/verdict.js'

/** What forward authentication says. The code is stable; the message is for people. */
export type AuthVerdict = Admission | Refusal

interface Admission {
  status: 200
  code: 'listed'
  pubkey: string
}

interface Refusal {
  /** 401: it is not known who asks; 403: it is; 503: it can't be told now. */
  status: 401 | 403 | 503
  code: string
  message: string
  retryAfterSeconds?: number
}

const MESSAGES: Record<Exclude<Verdict['code'], 'listed'>, string> = {
  not_listed: 'this key is not on the list',
  banned: 'this key is banned',
  expired: 'the time of this key on the list is over',
}

/** A refusal of whoever has not shown a key. */
export function unauthorized(code: string, message: string): AuthVerdict {
  return { status: 401, code, message }
}

/** What the list says of a key that somebody has shown. */
export function authVerdictOf(pubkey: string, { code }: Verdict): AuthVerdict {
  if (code === 'listed') return { status: 200, code, pubkey }
  return { status: 403, code, message: MESSAGES[code] }
}
