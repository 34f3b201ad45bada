import { randomBytes } from 'node:crypto'
import { npubEncode } from 'nostr-tools/nip19'

/** That many keys in hex. */
export function hexKeys(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(32).toString('hex'))
}

/** The keys as npubs. */
export function toNpubs(keys: readonly string[]): string[] {
  return keys.map(npubEncode)
}

/** Every other key as npub, the rest as they are. */
export function mixForms(keys: readonly string[]): string[] {
  return keys.map((key, index) => (index % 2 ? npubEncode(key) : key))
}

/** That many of the keys, drawn at random. */
export function draw<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: count }, () => items[Math.floor(Math.random() * items.length)] as T)
}
