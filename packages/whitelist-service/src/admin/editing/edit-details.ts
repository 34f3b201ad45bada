import type { Edit } from 'jsonc-parser'
import type { DocumentParts, Part } from './document-parts.js'
import { editItems } from './json-edits.js'
import { scanItems, type Item } from './json-items.js'
import { formatObject, layoutOf, lineStartBefore, type LineStart } from './json-layout.js'
import type { Fields, KeyState } from './key-state.js'

/** The keys that are changed, and what the file is to say about each. */
export type KeyStates = ReadonlyMap<string, KeyState>

/** The two parts that say something about keys, and where a key's state holds what they say. */
const FIELD_OF = { meta: 'meta', banned: 'ban' } as const
type DetailsName = keyof typeof FIELD_OF

/** The fields that a change may touch where they stand already. */
const OWN_FIELDS = {
  meta: ['label', 'reason', 'expires_at', 'added_at', 'added_by'],
  banned: ['reason'],
}

/** The edits that bring `meta` and `banned` to what these states hold. */
export function editDetails(parts: DocumentParts, states: KeyStates): Edit[] {
  return [
    ...editPart(parts, 'meta', states),
    ...editPart(parts, 'banned', states),
    ...addParts(parts, states),
  ]
}

/** What the value of a property in `meta` or `banned` holds. */
export function fieldsOf(text: string, { valueStart, end }: Item): Fields {
  return JSON.parse(text.slice(valueStart, end)) as Fields
}

function editPart(parts: DocumentParts, name: DetailsName, states: KeyStates): Edit[] {
  const part = parts[name]
  if (!part) return []
  const { text, style } = parts
  const removed: Item[] = []
  const edits: Edit[] = []
  for (const [key, state] of states) {
    const details = state[FIELD_OF[name]]
    const items = part.byKey.get(key) ?? []
    const last = items.at(-1)
    if (!details || details.isNew) removed.push(...items)
    else if (last) edits.push(...editFields(parts, name, last, details.fields))
  }
  const layout = layoutOf(text, part.container, style, lineStartBefore(text, part.property.start))
  const line = expandedLine(text, part, layout.gap)
  const added = newProperties(parts, name, states, line)
  return [...edits, ...editItems(part.container, removed, added, layout)]
}

/** The line on which a new value begins, where the one beside it stands on several. */
function expandedLine(text: string, { container }: Part, gap: string): LineStart | undefined {
  const { last } = container
  const isExpanded = last !== undefined && /[\r\n]/.test(text.slice(last.valueStart, last.end))
  return isExpanded ? lineStartBefore(gap, gap.length) : undefined
}

function addParts(parts: DocumentParts, states: KeyStates): Edit[] {
  const { text, style, root } = parts
  const layout = layoutOf(text, root, style)
  const line = lineStartBefore(layout.gap, layout.gap.length)
  const added = (Object.keys(FIELD_OF) as DetailsName[]).flatMap((name) => {
    const properties = parts[name] ? [] : newProperties(parts, name, states)
    if (properties.length === 0) return []
    return `"${name}"${style.colon}${formatObject(properties, style, line)}`
  })
  return editItems(root, [], added, layout)
}

function newProperties(
  { style }: DocumentParts,
  name: DetailsName,
  states: KeyStates,
  line?: LineStart,
): string[] {
  return [...states].flatMap(([key, state]) => {
    const details = state[FIELD_OF[name]]
    if (!details?.isNew) return []
    const fields = Object.entries(details.fields).map(([field, value]) => {
      return `"${field}"${style.colon}${JSON.stringify(value)}`
    })
    return `"${key}"${style.colon}${formatObject(fields, style, line)}`
  })
}

/** Brings the object of one key to the given fields. */
function editFields(
  { text, style }: DocumentParts,
  name: DetailsName,
  item: Item,
  fields: Fields,
): Edit[] {
  const old = fieldsOf(text, item)
  const changed = OWN_FIELDS[name].filter((field) => old[field] !== fields[field])
  const container = scanItems(text, item.valueStart, (field) => changed.includes(field.text))
  const edits: Edit[] = []
  const added: string[] = []
  for (const field of changed) {
    const content = JSON.stringify(fields[field]) as string | undefined
    const last = container.picked.findLast((property) => property.text === field)
    if (content === undefined) continue
    if (last) edits.push({ offset: last.valueStart, length: last.end - last.valueStart, content })
    else added.push(`"${field}"${style.colon}${content}`)
  }
  const removed = container.picked.filter((property) => fields[property.text] === undefined)
  return [...edits, ...editItems(container, removed, added, layoutOf(text, container, style))]
}
