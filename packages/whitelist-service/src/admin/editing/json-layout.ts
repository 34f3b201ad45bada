import type { Layout } from './json-edits.js'
import type { Container, Item } from './json-items.js'

/** How a JSON text is set. */
export interface Style {
  /** Between a name and its value. */
  colon: string
  /** Between two items on one line. */
  comma: string
  /** By how much more than what holds it an item is indented. */
  indent: string
}

/** A line end, and the white space with which the next line begins. */
export interface LineStart {
  lineEnd: string
  indent: string
}

const LINE_START = /(\r\n|\n|\r)([ \t]*)$/
/** Nobody indents by more. */
const MAX_INDENT = 1000

/** The style of a text, told by a property of its outermost object. */
export function styleOf(text: string, property: Item): Style {
  const colon = text.slice(property.nameEnd, property.valueStart)
  return {
    colon: /[\r\n]/.test(colon) ? ': ' : colon,
    comma: /\s$/.test(colon) ? ', ' : ',',
    indent: lineStartBefore(text, property.start)?.indent ?? '  ',
  }
}

/** The beginning of the line on which something stands; undefined where it is not the first there. */
export function lineStartBefore(text: string, offset: number): LineStart | undefined {
  const [, lineEnd, indent] =
    LINE_START.exec(text.slice(Math.max(0, offset - MAX_INDENT), offset)) ?? []
  return lineEnd === undefined || indent === undefined ? undefined : { lineEnd, indent }
}

/**
 * How new items of a container are set: as those that are there. One that is empty gets a line for each
 * item where `line`, on which the container itself begins, is given.
 */
export function layoutOf(
  text: string,
  { start, end, count, first, last }: Container,
  { comma, indent }: Style,
  line?: LineStart,
): Layout {
  if (!first || !last) {
    const own = lineStartBefore(text.slice(start + 1, end - 1), end - start - 2) ?? line
    return own ? linesIn(own, indent) : { before: '', after: '', gap: comma }
  }
  const before = text.slice(start + 1, first.start)
  const gap = count > 1 ? text.slice(last.previousEnd, last.start) : before && `,${before}`
  return { before, after: '', gap: gap || comma }
}

/** An object of these properties: each on a line of its own where `line`, on which it begins, is given. */
export function formatObject(
  properties: readonly string[],
  { comma, indent }: Style,
  line?: LineStart,
): string {
  if (!line) return `{${properties.join(comma)}}`
  const { before, after, gap } = linesIn(line, indent)
  return `{${before}${properties.join(gap)}${after}}`
}

function linesIn({ lineEnd, indent }: LineStart, more: string): Layout {
  const before = lineEnd + indent + more
  return { before, after: lineEnd + indent, gap: `,${before}` }
}
