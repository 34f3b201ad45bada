import type { Output } from '@dstack-node/service-kit/output'

/** How much is written at once, in characters. */
const PIECE_LENGTH = 64 * 1024

/** Writes texts one after the other, however many there are, as long as somebody reads them. */
export async function writePieces(output: Output, pieces: Iterable<string>): Promise<void> {
  let pending = ''
  for (const piece of pieces) {
    pending += piece
    if (pending.length < PIECE_LENGTH) continue
    if (!(await output.write(pending))) return
    pending = ''
  }
  if (pending !== '') await output.write(pending)
}

/** Writes rows as lines, their cells one below the other; the last one of each is as wide as it is. */
export function writeRows(
  output: Output,
  rows: Iterable<readonly string[]>,
  widths: readonly number[],
): Promise<void> {
  return writePieces(output, linesOf(rows, widths))
}

/** How wide the columns of these rows are. */
export function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    }
  }
  return widths
}

/** Writes one JSON document: the fields of `head`, and beside them, under `name`, an array of rows. */
export function writeJson(
  output: Output,
  head: object,
  name: string,
  rows: Iterable<object>,
): Promise<void> {
  return writePieces(output, jsonOf(head, name, rows))
}

function* linesOf(rows: Iterable<readonly string[]>, widths: readonly number[]): Generator<string> {
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    yield `${cells.join('  ').trimEnd()}\n`
  }
}

function* jsonOf(head: object, name: string, rows: Iterable<object>): Generator<string> {
  const fields = JSON.stringify(head).slice(0, -1)
  yield `${fields}${fields === '{' ? '' : ','}${JSON.stringify(name)}:[`
  let separator = ''
  for (const row of rows) {
    yield separator + JSON.stringify(row)
    separator = ','
  }
  yield ']}\n'
}
