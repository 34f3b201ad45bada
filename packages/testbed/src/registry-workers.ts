/** A worker as the registry keeps it. */
export interface Worker {
  owner: string
  node_type: string
}

/** What a client sends to be registered. */
export interface Registration extends Worker {
  pubkey: string
}

const PUBKEY = /^[0-9a-f]{64}$/

export function isPubkey(text: string): boolean {
  return PUBKEY.test(text)
}

/** Reads the body of `POST /workers`; a text is the reason why it is none. */
export function parseRegistration(body: string): Registration | string {
  const document = parseObject(body)
  if (!document) return 'the body is not a JSON object'
  const { pubkey, owner, node_type } = document
  if (typeof pubkey !== 'string' || !isPubkey(pubkey)) {
    return 'pubkey must be 64 lower-case hex digits'
  }
  if (typeof owner !== 'string' || !/^0x[0-9a-fA-F]+$/.test(owner)) {
    return 'owner must be an address after 0x'
  }
  if (typeof node_type !== 'string' || node_type === '') return 'node_type must be a text'
  return { pubkey, owner, node_type }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value instanceof Object && !Array.isArray(value)
}
