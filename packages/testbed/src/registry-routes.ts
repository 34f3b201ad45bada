import type { SeenRequest } from './request-log.js'

export type RegistryRoute =
  | { kind: 'permission'; pubkey: string }
  | { kind: 'register' }
  | { kind: 'wrong-method' }
  | { kind: 'unknown-path' }

/** Brings a path prefix into the form `/v1`, or nothing. */
export function parsePrefix(prefix: string): string {
  const path = prefix.replace(/^\/+|\/+$/g, '')
  return path === '' ? '' : `/${path}`
}

/** Which of the registry's two requests this is. */
export function routeRequest(prefix: string, { method, path }: SeenRequest): RegistryRoute {
  const [pathname = ''] = path.split('?', 1)
  if (!pathname.startsWith(`${prefix}/`)) return { kind: 'unknown-path' }
  const rest = pathname.slice(prefix.length)
  const pubkey = /^\/permissions\/([^/]+)$/.exec(rest)?.[1]
  if (pubkey !== undefined) {
    return method === 'GET' ? { kind: 'permission', pubkey } : { kind: 'wrong-method' }
  }
  if (rest !== '/workers') return { kind: 'unknown-path' }
  return method === 'POST' ? { kind: 'register' } : { kind: 'wrong-method' }
}
