import { createScanner } from 'jsonc-parser'

/** An entry of an array or a property of an object, by where it stands in the text. */
export interface Item {
  index: number
  /** The name of a property; the text of an entry, if that is a string. */
  text: string
  /** Where it begins: a property with its name. */
  start: number
  /** Where the name of a property ends. */
  nameEnd: number
  valueStart: number
  end: number
  /** Where the item before it ends; where there is none, the opening bracket. */
  previousEnd: number
  /** Where the next item begins; undefined while there is none. */
  nextStart: number | undefined
}

/** An array or an object, by where it stands in the text. */
export interface Container {
  start: number
  end: number
  count: number
  /** The items that were asked for, in their order. */
  picked: Item[]
  first: Item | undefined
  last: Item | undefined
}

/**
 * Walks through the array or object that begins at `start`, or after white space there, in a valid JSON text. It keeps only what `pick`
 * wants, so that a million items are no million objects.
 */
export function scanItems(
  text: string,
  start: number,
  pick: (item: Item) => boolean = () => false,
): Container {
  const tokens = readTokens(text, start)
  const isArray = tokens.next() === '['
  const container: Container = {
    start: tokens.start(),
    end: tokens.end(),
    count: 0,
    picked: [],
    first: undefined,
    last: undefined,
  }
  let previousEnd = container.end
  let token = tokens.next()
  while (token !== ']' && token !== '}') {
    if (token === ',') tokens.next()
    const item = readItem(tokens, isArray, container.count, previousEnd)
    if (container.last) container.last.nextStart = item.start
    if (pick(item)) container.picked.push(item)
    container.first ??= item
    container.last = item
    container.count += 1
    previousEnd = item.end
    token = tokens.next()
  }
  container.end = tokens.end()
  return container
}

type Tokens = ReturnType<typeof readTokens>

/** The tokens of a text, each told by its first character. */
function readTokens(text: string, start: number) {
  const scanner = createScanner(text, true)
  scanner.setPosition(start)
  const first = () => text.charAt(scanner.getTokenOffset())
  return {
    first,
    next: () => {
      scanner.scan()
      // Or a broken text would be read for ever.
      if (first() === '') throw new SyntaxError('the text ends inside of an array or object')
      return first()
    },
    start: () => scanner.getTokenOffset(),
    end: () => scanner.getTokenOffset() + scanner.getTokenLength(),
    /** The text of a string, without quotes and escapes. */
    text: () => scanner.getTokenValue(),
  }
}

/** Reads the item whose first token was just read. */
function readItem(tokens: Tokens, isArray: boolean, index: number, previousEnd: number): Item {
  const start = tokens.start()
  const text = tokens.text()
  const nameEnd = isArray ? start : tokens.end()
  if (!isArray) tokens.next()
  const first = isArray ? tokens.first() : tokens.next()
  const valueStart = tokens.start()
  // Not by recursion: a value may be nested deeper than the stack is.
  for (let depth = depthOf(first); depth > 0; depth += depthOf(tokens.next()));
  const end = tokens.end()
  return { index, text, start, nameEnd, valueStart, end, previousEnd, nextStart: undefined }
}

function depthOf(token: string): number {
  if (token === '[' || token === '{') return 1
  return token === ']' || token === '}' ? -1 : 0
}
