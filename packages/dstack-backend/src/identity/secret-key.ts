import { createECDH, randomBytes } from 'node:crypto'
import { decode } from 'nostr-tools/nip19'

const SECRET_KEY_BYTES = 32

/** A fresh secret key, as the 64 lower-case hex digits that the key file holds. */
export function generateSecretKey(): string {
  for (;;) {
    const hex = randomBytes(SECRET_KEY_BYTES).toString('hex')
    if (derivePubkey(hex) !== undefined) return hex
  }
}

/**
 * The public key (64 lower-case hex digits, BIP-340 x-only) of a secret key given as 64 hex digits in any
 * case or as `nsec1…` (NIP-19); undefined when the text is neither, or out of the curve's range.
 *
 * OpenSSL does the arithmetic: in JavaScript, its tables alone would double the time of a start.
 */
export function derivePubkey(text: string): string | undefined {
  const secret = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : decodeNsec(text)
  if (secret?.length !== SECRET_KEY_BYTES) return undefined
  const ecdh = createECDH('secp256k1')
  try {
    ecdh.setPrivateKey(secret)
  } catch {
    return undefined
  }
  return ecdh.getPublicKey('hex', 'compressed').slice(2)
}

function decodeNsec(text: string): Uint8Array | undefined {
  try {
    const decoded = decode(text)
    return decoded.type === 'nsec' ? decoded.data : undefined
  } catch {
    // The error's text repeats the secret.
    return undefined
  }
}
