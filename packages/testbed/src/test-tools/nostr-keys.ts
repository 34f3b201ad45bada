import { generateSecretKey, getPublicKey, nip19 } from 'nostr-tools'

export interface TestKey {
  hex: string
  npub: string
  nprofile: string
  nsec: string
}

/** A key made for one test, in its spellings. */
export function makeKey(): TestKey {
  const secretKey = generateSecretKey()
  const hex = getPublicKey(secretKey)
  return {
    hex,
    npub: nip19.npubEncode(hex),
    nprofile: nip19.nprofileEncode({ pubkey: hex, relays: ['wss://relay.example'] }),
    nsec: nip19.nsecEncode(secretKey),
  }
}
