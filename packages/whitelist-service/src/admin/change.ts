/** Something that is to be done to the list about one key, given as 64 lower-case hex digits. */
export type Change = Allow | Unallow | BanKey | Unban

/**
 * Lets a key in: adds it unless an entry spells it, lifts a ban of it, and drops an expiry that has passed
 * unless a new one is given. What is given is written down; an empty text counts as not given.
 */
export interface Allow {
  action: 'allow'
  pubkey: string
  /** How the key is written into `pubkeys`, where it is added; in hex unless given. */
  spelling?: string | undefined
  label?: string | undefined
  reason?: string | undefined
  /** In seconds since 1970. */
  expiresAt?: number | undefined
}

/** Removes every spelling of a key, and what is said about it. A ban stays. */
export interface Unallow {
  action: 'unallow'
  pubkey: string
  /** For the audit log alone, since nothing of the key is left in the list. */
  reason?: string | undefined
}

/** Bans a key, and removes every spelling of it and what is said about it. */
export interface BanKey {
  action: 'ban'
  pubkey: string
  reason?: string | undefined
}

/** Lifts the ban of a key, and no more: that does not let it in. */
export interface Unban {
  action: 'unban'
  pubkey: string
  /** For the audit log alone, since nothing of the ban is left in the list. */
  reason?: string | undefined
}

/** What a change did to its key. */
export type Deed =
  /** The key was added to `pubkeys`. */
  | 'added'
  /** Every spelling of it was removed, or what was still said about it. */
  | 'removed'
  | 'banned'
  | 'unbanned'
  /** What is said about the key, or about its ban, is another. */
  | 'updated'

/** A change that did something; one that found everything as it should be has none. */
export interface Effect {
  action: Change['action']
  pubkey: string
  deeds: Deed[]
  /** What was written down. */
  label?: string
  expiresAt?: number
  /** Why it was done, where that was said. */
  reason?: string
}
