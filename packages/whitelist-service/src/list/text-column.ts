/** A text for each position of a key table, most of them empty; over shared memory, as the table is. */
export interface TextColumn {
  /** Where the text of a position begins, and, one further, where it ends; of length 0 without texts. */
  offsets: Uint32Array
  bytes: Uint8Array
}

/** A column of `size` positions with the texts that there are. */
export function createTextColumn(size: number, texts: ReadonlyMap<number, string>): TextColumn {
  if (texts.size === 0) return { offsets: new Uint32Array(), bytes: new Uint8Array() }
  const pieces = Array.from({ length: size }, (_, position) => encode(texts.get(position)))
  const offsets = new Uint32Array(new SharedArrayBuffer((size + 1) * 4))
  for (const [position, piece] of pieces.entries()) {
    offsets[position + 1] = (offsets[position] ?? 0) + piece.length
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(offsets[size] ?? 0))
  for (const [position, piece] of pieces.entries()) bytes.set(piece, offsets[position])
  return { offsets, bytes }
}

/** The text at a position; undefined where there is none. */
export function textAt({ offsets, bytes }: TextColumn, position: number): string | undefined {
  const start = offsets[position]
  const end = offsets[position + 1]
  if (start === undefined || end === undefined || start === end) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
}

const NOTHING = new Uint8Array()

function encode(text: string | undefined): Uint8Array {
  return text === undefined ? NOTHING : Buffer.from(text)
}
