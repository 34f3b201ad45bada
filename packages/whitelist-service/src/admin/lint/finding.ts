import type { PubkeyErrorCode } from '@dstack-node/service-kit/pubkey'
import type { KeyDoubt } from './key-doubt.js'

/** What is doubtful about a place in the list. Stable: scripts match on it, never on the message. */
export type FindingCode =
  /** The file is no list; the message says where. */
  | 'not_a_list'
  /** An entry, or a name in `meta` or `banned`, is no public key. */
  | PubkeyErrorCode
  | KeyDoubt['code']
  /** The same key stands in `pubkeys` before, maybe in another spelling. */
  | 'duplicate'
  | 'expired'
  | 'listed_and_banned'
  /** `meta` says something about a key that is not on the list. */
  | 'not_listed'
  /** A name stands there twice, or names the same key. */
  | 'repeated_name'
  /** A name is a key, but not 64 lower-case hex digits. */
  | 'name_spelling'

/** Where the list is doubtful, and what to do about it. */
export interface Finding {
  code: FindingCode
  /** Because of it the service does not load the file. */
  isFatal: boolean
  field?: ListField
  /** The position of an entry in `pubkeys`, counted from 0. */
  index?: number
  /** Counted from 1. */
  line?: number
  /** In hex, where it is about one. */
  pubkey?: string
  /** In words that repeat nothing of the file. */
  message: string
}

export const LIST_FIELDS = ['pubkeys', 'meta', 'banned'] as const
export type ListField = (typeof LIST_FIELDS)[number]
