import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import { AllowlistFormatError } from '../../list/allowlist-document.js'
import { scanItems, type Container, type Item } from './json-items.js'
import { styleOf, type Style } from './json-layout.js'

/** The text of a list file, and where in it the things stand that a change may touch. */
export interface DocumentParts {
  text: string
  style: Style
  root: Container
  pubkeys: Part
  meta: Part | undefined
  banned: Part | undefined
}

/** One of the properties that hold the list. */
export interface Part {
  property: Item
  container: Container
  /** Everything in it that spells one of the keys that were asked for. */
  byKey: ReadonlyMap<string, readonly Item[]>
}

/**
 * Finds what a valid list file says about some keys, given in hex. However long the list is, it is read
 * once, and only what is found is kept.
 *
 * Throws an AllowlistFormatError where it is not clear which part would have to be changed.
 */
export function findParts(text: string, keys: ReadonlySet<string>): DocumentParts {
  const start = text.startsWith('\ufeff') ? 1 : 0
  const root = scanItems(text, start, (item) => ['pubkeys', 'meta', 'banned'].includes(item.text))
  const find = (name: string) => findPart(text, root, name, keys)
  const pubkeys = find('pubkeys')
  if (!pubkeys) throw new AllowlistFormatError('the file has no "pubkeys"')
  const style = styleOf(text, pubkeys.property)
  return { text, style, root, pubkeys, meta: find('meta'), banned: find('banned') }
}

function findPart(
  text: string,
  root: Container,
  name: string,
  keys: ReadonlySet<string>,
): Part | undefined {
  const [property, again] = root.picked.filter((item) => item.text === name)
  // JSON.parse takes the last one, and a person looks at the first.
  if (again) throw new AllowlistFormatError(describeSecond(text, again))
  return property && { property, ...findKeys(text, property.valueStart, keys) }
}

function findKeys(text: string, start: number, keys: ReadonlySet<string>): Omit<Part, 'property'> {
  const byKey = new Map<string, Item[]>()
  const container = scanItems(text, start, (item) => {
    const result = parsePubkey(item.text)
    if (!result.ok || !keys.has(result.pubkey)) return false
    const found = byKey.get(result.pubkey)
    if (found) found.push(item)
    else byKey.set(result.pubkey, [item])
    return true
  })
  return { container, byKey }
}

function describeSecond(text: string, { text: name, start }: Item): string {
  const line = text.slice(0, start).split('\n').length
  return `"${name}" (line ${line}) stands there twice: keep one of them`
}
