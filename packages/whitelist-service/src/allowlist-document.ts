import { findNodeAtLocation, parse, parseTree, type Node, type ParseError } from 'jsonc-parser'
import * as z from 'zod'

/** What `whitelist.json` holds. Fields beside `pubkeys` belong to others and are left alone. */
export interface AllowlistDocument {
  pubkeys: string[]
}

/** Why a text is no list; the message says where and never repeats what stands there. */
export class AllowlistFormatError extends Error {
  override readonly name = 'AllowlistFormatError'
}

const documentSchema = z.object({ pubkeys: z.array(z.string()) })
const EXAMPLE = '{"pubkeys": ["npub1…", …]}'

/** Reads the text of `whitelist.json`. Throws an AllowlistFormatError with line and index. */
export function parseAllowlistDocument(bytes: Uint8Array): AllowlistDocument {
  const text = decodeText(bytes)
  const result = documentSchema.safeParse(parseJson(text))
  if (result.success) return result.data
  throw new AllowlistFormatError(describeShape(text, result.error.issues[0]?.path ?? []))
}

/** The line, counted from 1, on which the entry with this index begins. */
export function lineOfEntry(bytes: Uint8Array, index: number): number {
  return lineAt(decodeText(bytes), ['pubkeys', index])
}

function decodeText(bytes: Uint8Array): string {
  try {
    // TextDecoder drops a byte order mark by itself.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AllowlistFormatError('the file is not UTF-8 text: save it as UTF-8')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error's own text repeats a piece of the file, which may be a secret; its position varies
    // from one Node to the next.
    throw new AllowlistFormatError(describeSyntax(text))
  }
}

function describeSyntax(text: string): string {
  if (text.trim() === '') return `the file is empty: an empty list is {"pubkeys": []}`
  const offset = firstErrorIn(text)?.offset ?? text.length
  const line = lineAtOffset(text, offset)
  const column = offset - text.lastIndexOf('\n', offset - 1)
  return `the file is not valid JSON: look at line ${line}, column ${column}, and just before it`
}

function describeShape(text: string, path: readonly PropertyKey[]): string {
  const [field, index] = path
  if (field === undefined) return `the file must hold a JSON object, like ${EXAMPLE}`
  if (typeof index !== 'number') return `"pubkeys" must be an array of strings, like ${EXAMPLE}`
  return `entry ${index} (line ${lineAt(text, ['pubkeys', index])}) must be a string`
}

function lineAt(text: string, path: (string | number)[]): number {
  return lineAtOffset(text, findNode(text, path)?.offset ?? 0)
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

function lineAtOffset(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
