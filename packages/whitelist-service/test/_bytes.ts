/** A file's content. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The content of a list file with these entries. */
export function listOf(pubkeys: readonly unknown[]): Uint8Array {
  return bytesOf(JSON.stringify({ pubkeys }))
}
