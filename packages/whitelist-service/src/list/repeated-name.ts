import { createScanner } from 'jsonc-parser'
import { lineAt } from './json-place.js'

/** A name that one object of a JSON text has twice. */
export interface RepeatedName {
  /** The names that lead to it, itself the last. */
  path: string[]
  /** The line, counted from 1, on which it stands again. */
  line: number
}

/** How deep names are looked at: the document, what `meta` and `banned` hold, and their fields. */
const DEPTH = 3

/**
 * The first name that stands twice in an object of a valid JSON text, of those that `matters` cares about.
 * JSON.parse would take the last one without a word: bans could vanish so. `value` is what it made of the
 * text: only where it has fewer fields than the text may have names, the text is looked at closely.
 */
export function findRepeatedName(
  text: string,
  value: unknown,
  matters: (path: readonly string[]) => boolean,
): RepeatedName | undefined {
  return countNames(text) > countFields(value) ? scanNames(text, matters) : undefined
}

/** How many names the text has, or a few more: a string that begins with a colon looks like one. */
function countNames(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    if (followsQuote(text, at)) count += 1
  }
  return count
}

/** Whether the last sign before the colon is a quote that is not part of a string. */
function followsQuote(text: string, colon: number): boolean {
  let quote = colon - 1
  while (/\s/.test(text.charAt(quote))) quote -= 1
  if (text.charAt(quote) !== '"') return false
  let slash = quote
  while (text.charAt(slash - 1) === '\\') slash -= 1
  return (quote - slash) % 2 === 0
}

function countFields(value: unknown): number {
  let count = 0
  // Not by recursion: what is beside the list may be nested deeper than the stack is.
  const open = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    const inside: unknown[] = Object.values(next)
    if (!Array.isArray(next)) count += inside.length
    for (const item of inside) if (typeof item === 'object') open.push(item)
  }
  return count
}

function scanNames(
  text: string,
  matters: (path: readonly string[]) => boolean,
): RepeatedName | undefined {
  const scanner = createScanner(text, true)
  /** Around the place that is read: each object or array, with its names so far, the current one last. */
  const open: { names: Set<string>; name: string }[] = []
  let last = { name: '', offset: 0 }
  for (;;) {
    scanner.scan()
    const offset = scanner.getTokenOffset()
    const sign = text.charAt(offset)
    if (sign === '') return undefined
    if (sign === '"') last = { name: scanner.getTokenValue(), offset }
    else if (sign === '{' || sign === '[') open.push({ names: new Set(), name: '' })
    else if (sign === '}' || sign === ']') open.pop()
    const around = sign === ':' ? open.at(-1) : undefined
    if (!around || open.length > DEPTH) continue
    around.name = last.name
    const path = open.map(({ name }) => name)
    if (around.names.has(last.name) && matters(path)) {
      return { path, line: lineAt(text, last.offset) }
    }
    around.names.add(last.name)
  }
}
