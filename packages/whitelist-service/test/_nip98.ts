import type { EventTemplate, NostrEvent } from 'nostr-tools/pure'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'

/** The time of every token, in seconds. */
export const NOW = 1_800_000_000
export const URL_OF_API = 'https://list.example/api/check?pubkey=a%20b'

export const secretKey = generateSecretKey()
export const pubkey = getPublicKey(secretKey)

/** Signs an event with `changes` made before. */
export function sign(changes: Partial<EventTemplate> = {}, key = secretKey): NostrEvent {
  const tags = [
    ['u', URL_OF_API],
    ['method', 'GET'],
  ]
  return finalizeEvent({ kind: 27235, created_at: NOW, tags, content: '', ...changes }, key)
}

/** The header that carries a token, whatever it is. */
export function headerOf(token: unknown): string {
  return headerOfText(JSON.stringify(token))
}

export function headerOfText(text: string | Uint8Array, encoding: BufferEncoding = 'base64') {
  return `Nostr ${Buffer.from(text).toString(encoding)}`
}
