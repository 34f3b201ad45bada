import type { AllowlistState } from './allowlist-file.js'
import type { Allowlist } from './allowlist.js'
import type { ListFormat, ListOrder } from './list-format.js'

/** Writes the list, wherever it does that: see `formatList`. */
export type FormatList = (allowlist: Allowlist, order: ListOrder) => Promise<Uint8Array>

/** The list as it is between two changes of it, an expiry being one, in all its forms. */
export interface ListEdition {
  lastModified: string
  /** About how many bytes a form has. */
  size: number
  /** A strong validator of the form. */
  etag: (format: ListFormat, gzip: boolean) => string
  /** The form in bytes; made when it is first asked for, once. */
  body: (format: ListFormat, gzip: boolean) => Promise<Uint8Array>
}

/**
 * Tells the edition of a moment. The one that was told last is kept: until the list changes, or a key on it
 * expires, nothing is computed again.
 */
export function createListEditions(format: FormatList) {
  let last: { allowlist: Allowlist; from: number; until: number; edition: ListEdition } | undefined
  return (state: AllowlistState, nowSeconds: number): ListEdition => {
    const { allowlist } = state
    const isLast =
      last?.allowlist === allowlist && last.from <= nowSeconds && nowSeconds < last.until
    if (last && isLast) return last.edition
    const { expiries } = allowlist
    const from = expiries.reduce((most, at) => (at <= nowSeconds ? Math.max(most, at) : most), 0)
    const until = expiries.reduce(
      (least, at) => (at > nowSeconds ? Math.min(least, at) : least),
      Infinity,
    )
    last = { allowlist, from, until, edition: createEdition(state, from, nowSeconds, format) }
    return last.edition
  }
}

function createEdition(
  { allowlist, hash, loadedAt }: AllowlistState,
  from: number,
  now: number,
  format: FormatList,
): ListEdition {
  const bodies = new Map<string, Promise<Uint8Array>>()
  const etag = (name: ListFormat, gzip: boolean) => {
    // The spelling and the order of the entries are not part of the version.
    const source = name === 'file' ? hash.slice(0, allowlist.version.length) : allowlist.version
    return `"${source}-${from}-${name}${gzip ? '-gzip' : ''}"`
  }
  return {
    size: allowlist.listBody.length,
    lastModified: new Date(Math.max(loadedAt.getTime(), from * 1000)).toUTCString(),
    etag,
    body: (name, gzip) => {
      const key = etag(name, gzip)
      const known = bodies.get(key)
      if (known) return known
      const body = format(allowlist, { format: name, gzip, now })
      bodies.set(key, body)
      // A failure is not kept: the next one who asks tries again.
      body.catch(() => bodies.delete(key))
      return body
    },
  }
}
