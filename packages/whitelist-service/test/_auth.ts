import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { headerOf } from './_nip98.js'

/** What stands behind the proxies of the tests. */
export const SITE = 'https://media.example.com'

/** Somebody who can sign. */
export interface Signer {
  hex: string
  secretKey: Uint8Array
}

export function makeSigner(): Signer {
  const secretKey = generateSecretKey()
  return { hex: getPublicKey(secretKey), secretKey }
}

/** The `Authorization` header for a request, made at that second. */
export function tokenOf(
  { secretKey }: Signer,
  seconds: number,
  { url = `${SITE}/`, method = 'GET' } = {},
): string {
  const tags = [
    ['u', url],
    ['method', method],
  ]
  const created_at = Math.floor(seconds)
  return headerOf(finalizeEvent({ kind: 27235, created_at, tags, content: '' }, secretKey))
}
