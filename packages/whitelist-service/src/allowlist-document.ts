import { findNodeAtLocation, parse, parseTree, type ParseError } from 'jsonc-parser'
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
  const errors: ParseError[] = []
  parse(text, errors, { disallowComments: true, allowTrailingComma: false })
  const offset = errors[0]?.offset ?? text.length
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
  const root = parseTree(text)
  const node = root && findNodeAtLocation(root, path)
  return lineAtOffset(text, node?.offset ?? 0)
}

function lineAtOffset(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
