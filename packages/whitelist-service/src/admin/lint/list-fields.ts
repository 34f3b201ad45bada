import { scanItems, type Item } from '../editing/json-items.js'
import { LIST_FIELDS, type Finding, type ListField } from './finding.js'
import { createLineCounter } from './line-counter.js'

/** A JSON object: as text, with its byte order mark if there is one, and what JSON.parse makes of it. */
export interface JsonDocument {
  text: string
  value: Partial<Record<string, unknown>>
}

/** The JSON object that these bytes hold; undefined where they hold none. */
export function decodeDocument(bytes: Uint8Array): JsonDocument | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(withoutMark(text))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return { text, value }
  } catch {
    return undefined
  }
}

/** The text without a byte order mark. */
export function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}

/** Where the fields stand that hold the list. */
export type Fields = ReadonlyMap<ListField, Item>

/** Finds those fields; of two that are named alike, the last counts, as for JSON.parse. */
export function findFields(text: string): { fields: Fields; findings: Finding[] } {
  const fields = new Map<ListField, Item>()
  const findings: Finding[] = []
  const lineAt = createLineCounter(text)
  scanItems(text, text.length - withoutMark(text).length, (item) => {
    const field = LIST_FIELDS.find((name) => name === item.text)
    if (!field) return false
    const line = lineAt(item.start)
    if (fields.has(field)) findings.push(describeAgain(field, line))
    fields.set(field, item)
    return false
  })
  return { fields, findings }
}

function describeAgain(field: ListField, line: number): Finding {
  const message = `"${field}" stands there twice: put both together`
  return { code: 'repeated_name', isFatal: true, field, line, message }
}
