import type { SeenRequest } from './request-log.js'

/** Whether a VMM from 0.6.0 on lets the request in; an empty token refuses everybody. */
export function isAuthorised(request: SeenRequest, token: string): boolean {
  const matches = (candidate: string) => token !== '' && candidate === token
  const adminToken = request.headers['x-admin-token']
  if (typeof adminToken === 'string' && matches(adminToken)) return true
  return byAuthorization(request.headers.authorization, matches) ?? byQuery(request, matches)
}

/** The header's verdict, which is final, or undefined where it has none. */
function byAuthorization(
  header: string | undefined,
  matches: (candidate: string) => boolean,
): boolean | undefined {
  // The scheme words are compared as they are written, though HTTP says they have no case.
  if (header?.startsWith('Bearer ')) return matches(header.slice('Bearer '.length).trim())
  if (!header?.startsWith('Basic ')) return undefined
  const credentials = decodeBasic(header.slice('Basic '.length).trim())
  if (!credentials) return undefined
  const { user, password } = credentials
  return matches(password) || (password === '' && matches(user))
}

function decodeBasic(encoded: string): { user: string; password: string } | undefined {
  const bytes = Buffer.from(encoded, 'base64')
  // Buffer skips what is no base64, the VMM refuses it.
  if (bytes.toString('base64') !== encoded) return undefined
  const text = bytes.toString()
  const colon = text.indexOf(':')
  if (colon < 0) return { user: text, password: '' }
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}

function byQuery(request: SeenRequest, matches: (candidate: string) => boolean): boolean {
  if (request.method !== 'GET') return false
  const [, query = ''] = request.path.split('?', 2)
  return new URLSearchParams(query).getAll('token').some(matches)
}
