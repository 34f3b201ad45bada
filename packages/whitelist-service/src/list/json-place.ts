import { findNodeAtLocation, parse, parseTree, type Node, type ParseError } from 'jsonc-parser'

/** Where a text that JSON.parse refuses stops to be JSON, in words that repeat nothing of it. */
export function describeSyntax(text: string): string {
  if (text.trim() === '') return `the file is empty: an empty list is {"pubkeys": []}`
  const offset = firstErrorIn(text)?.offset ?? text.length
  const line = lineAt(text, offset)
  const column = offset - text.lastIndexOf('\n', offset - 1)
  return `the file is not valid JSON: look at line ${line}, column ${column}, and just before it`
}

/** The line, counted from 1, on which a value begins, or its name; 1 for one that is not there. */
export function lineOf(text: string, path: (string | number)[]): number {
  const node = findNode(text, path)
  return lineAt(text, (node?.parent?.type === 'property' ? node.parent : node)?.offset ?? 0)
}

/** The line, counted from 1, in which the character at this offset stands. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function firstErrorIn(text: string): ParseError | undefined {
  const errors: ParseError[] = []
  try {
    parse(text, errors, { disallowComments: true, allowTrailingComma: false })
  } catch {
    // Unlike JSON.parse it recurses: a file that is nested absurdly deep overflows the stack. What it
    // found before that is the first error nevertheless.
  }
  return errors[0]
}

function findNode(text: string, path: (string | number)[]): Node | undefined {
  try {
    const root = parseTree(text)
    return root && findNodeAtLocation(root, path)
  } catch {
    // Nested absurdly deep, as above.
    return undefined
  }
}
