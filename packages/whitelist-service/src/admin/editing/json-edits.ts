import type { Edit } from 'jsonc-parser'
import type { Container, Item } from './json-items.js'

/** How the items of a container that has none yet are set: each on a line of its own, or all on one. */
export interface Layout {
  /** What stands between the brackets and the items. */
  before: string
  after: string
  /** What stands between two items. */
  gap: string
}

/** The text with all edits made; they must not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text
  const pieces: string[] = []
  let position = 0
  for (const { offset, length, content } of edits.toSorted((a, b) => a.offset - b.offset)) {
    pieces.push(text.slice(position, offset), content)
    position = offset + length
  }
  pieces.push(text.slice(position))
  return pieces.join('')
}

/** The edits that take items out of a container and put others, given as texts, at its end. */
export function editItems(
  container: Container,
  removed: readonly Item[],
  added: readonly string[],
  layout: Layout,
): Edit[] {
  const ordered = removed.toSorted((a, b) => a.index - b.index)
  const tail = lastRun(container, ordered)
  const edits: Edit[] = ordered.slice(0, ordered.length - tail.length).map((item) => {
    return { offset: item.start, length: (item.nextStart ?? item.end) - item.start, content: '' }
  })
  const ending = tail.length === container.count ? refill(container, added, layout) : undefined
  return [...edits, ...(ending ?? extend(container, tail, added, layout))]
}

/** Those of the removed items with which the container ends. */
function lastRun(container: Container, removed: readonly Item[]): readonly Item[] {
  let length = 0
  while (removed.at(-1 - length)?.index === container.count - 1 - length) length += 1
  return removed.slice(removed.length - length)
}

/** Puts items where none is left. */
function refill(
  { start, end, first, last }: Container,
  added: readonly string[],
  { before, after, gap }: Layout,
): Edit[] {
  const content = added.join(gap)
  if (first && last && added.length > 0) {
    return [{ offset: first.start, length: last.end - first.start, content }]
  }
  if (!first && added.length === 0) return []
  const inside = added.length === 0 ? '' : before + content + after
  return [{ offset: start + 1, length: end - start - 2, content: inside }]
}

/** Puts items after the last one that stays. */
function extend(
  { last }: Container,
  tail: readonly Item[],
  added: readonly string[],
  { gap }: Layout,
): Edit[] {
  const offset = tail[0]?.previousEnd ?? last?.end ?? 0
  const length = (last?.end ?? 0) - offset
  if (length === 0 && added.length === 0) return []
  return [{ offset, length, content: added.map((text) => gap + text).join('') }]
}
