import type { GpuCard } from './gpu-fixtures.js'

/** One RPC message in the two encodings the VMM speaks. */
export interface RpcMessage {
  json: string
  protobuf: Uint8Array
}

/** The answer of `ListGpus`; `allowAttachAll` is undefined for a VMM that doesn't know it yet. */
export function listGpusMessage(
  gpus: readonly GpuCard[],
  allowAttachAll: boolean | undefined,
): RpcMessage {
  return {
    json: JSON.stringify({ gpus, allow_attach_all: allowAttachAll }),
    protobuf: Buffer.concat([
      ...gpus.map((card) => lengthDelimited(1, encodeCard(card))),
      encodeBool(2, allowAttachAll ?? false),
    ]),
  }
}

export function versionMessage(version: string, rev: string): RpcMessage {
  return {
    json: JSON.stringify({ version, rev }),
    protobuf: Buffer.concat([encodeString(1, version), encodeString(2, rev)]),
  }
}

export function errorMessage(error: string): RpcMessage {
  return { json: JSON.stringify({ error }, null, 2), protobuf: encodeString(1, error) }
}

function encodeCard(card: GpuCard): Buffer {
  return Buffer.concat([
    encodeString(1, card.slot),
    encodeString(2, card.product_id),
    encodeString(3, card.description),
    encodeBool(4, card.is_free),
  ])
}

// proto3 leaves a default value out.
function encodeString(field: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : lengthDelimited(field, Buffer.from(text))
}

function encodeBool(field: number, value: boolean): Buffer {
  return value ? Buffer.from([field << 3, 1]) : Buffer.alloc(0)
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
