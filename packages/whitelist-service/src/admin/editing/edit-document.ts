import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import type { Edit } from 'jsonc-parser'
import type { Change, Effect } from '../change.js'
import { findParts, type DocumentParts, type Part } from './document-parts.js'
import { editDetails, fieldsOf, type KeyStates } from './edit-details.js'
import { applyEdits, editItems } from './json-edits.js'
import { layoutOf, lineStartBefore } from './json-layout.js'
import { applyChange, type Author, type Details, type KeyState } from './key-state.js'

/** A list file with changes made, and which of them did something. */
export interface EditedDocument {
  text: string
  effects: Effect[]
}

/**
 * Makes changes, one after the other, to the text of a valid list file. All that they are not about stays
 * as it is, to the byte: spelling and order of other entries, other fields, white space, line ends. What is
 * added is set like what stands beside it.
 *
 * Throws an AllowlistFormatError where a part of the file stands there twice.
 */
export function applyChanges(
  text: string,
  changes: readonly Change[],
  author: Author,
): EditedDocument {
  for (const change of changes) assertUsable(change)
  const parts = findParts(text, new Set(changes.map(({ pubkey }) => pubkey)))
  const { states, effects } = applyInTurn(parts, changes, author)
  const edited = applyEdits(text, [...editPubkeys(parts, states), ...editDetails(parts, states)])
  // Changes that undo each other leave nothing to tell.
  return { text: edited, effects: edited === text ? [] : effects }
}

function assertUsable(change: Change): void {
  if (!/^[0-9a-f]{64}$/.test(change.pubkey)) {
    throw new RangeError('a change names its key with 64 lower-case hex digits')
  }
  if (change.action !== 'allow' || change.spelling === undefined) return
  const result = parsePubkey(change.spelling)
  if (result.ok && result.pubkey === change.pubkey) return
  throw new RangeError('the spelling of a key must be one of that key')
}

function applyInTurn(parts: DocumentParts, changes: readonly Change[], author: Author) {
  const states = new Map<string, KeyState>()
  const effects: Effect[] = []
  for (const change of changes) {
    const before = states.get(change.pubkey) ?? stateIn(parts, change.pubkey)
    const { state, effect } = applyChange(before, change, author)
    // Keys are added in the order of the changes that add them.
    if (state.spelling !== undefined && before.spelling === undefined) states.delete(change.pubkey)
    states.set(change.pubkey, state)
    if (effect) effects.push(effect)
  }
  return { states, effects }
}

function stateIn({ text, pubkeys, meta, banned }: DocumentParts, key: string): KeyState {
  const details = (part: Part | undefined): Details | undefined => {
    // Of several that are named alike, JSON.parse takes the last.
    const item = part?.byKey.get(key)?.at(-1)
    return item && { fields: fieldsOf(text, item), isNew: false }
  }
  return { listed: pubkeys.byKey.has(key), meta: details(meta), ban: details(banned) }
}

function editPubkeys({ text, style, pubkeys }: DocumentParts, states: KeyStates): Edit[] {
  const { property, container, byKey } = pubkeys
  const isKept = ({ listed, spelling }: KeyState) => listed && spelling === undefined
  const removed = [...states].flatMap(([key, state]) =>
    isKept(state) ? [] : (byKey.get(key) ?? []),
  )
  const added = [...states.values()].flatMap(({ spelling }) => spelling ?? [])
  const layout = layoutOf(text, container, style, lineStartBefore(text, property.start))
  return editItems(
    container,
    removed,
    added.map((entry) => JSON.stringify(entry)),
    layout,
  )
}
