/** What was learned from somebody who is asked now and then. */
export interface Observation<T> {
  /** The last answer, and when it came; undefined before the first. */
  answer?: { value: T; at: Date }
  /** Why the latest try brought none, as a sentence with the next step; undefined where it did. */
  problem?: string
}

/** What the registry says: whether this key may write. */
export type PermissionView = { allowed: boolean }

/** What the whitelist says of this machine's key. An older service tells `listed` or `not_listed` alone. */
export type WhitelistView = { code: 'listed' | 'not_listed' | 'banned' | 'expired' }
