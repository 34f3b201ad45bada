import { MAX_LABEL_LENGTH, MAX_REASON_LENGTH } from '../../list/allowlist-document.js'
import { formatTime } from '../../time-text.js'
import type { Allow, BanKey, Change, Deed, Effect } from '../change.js'
import { expiryAfter } from './expiry.js'
import { plainText } from './plain-text.js'

/** An object of the file, with the fields in it that are not ours. */
export type Fields = Readonly<Record<string, unknown>>

/** What the file says about a key, and what of that is to be written anew. */
export interface KeyState {
  listed: boolean
  /** How the key is added to `pubkeys`; undefined for one whose entries stay as they are. */
  spelling?: string | undefined
  meta?: Details | undefined
  ban?: Details | undefined
}

/** What `meta` or `banned` says about a key. */
export interface Details {
  fields: Fields
  /** It does not stand in the file yet, or was removed from it before. */
  isNew: boolean
}

/** Who changes the list, and when. */
export interface Author {
  by: string
  now: Date
}

/** What comes of a change; without an effect where there was nothing to do. */
export interface Step {
  state: KeyState
  effect?: Effect
}

/** Does one change to what the file says about its key. */
export function applyChange(state: KeyState, change: Change, author: Author): Step {
  switch (change.action) {
    case 'allow':
      return allow(state, change, author)
    case 'unallow':
      return report(change, remove(state), [removed(state)], why(change))
    case 'ban':
      return ban(state, change, author)
    case 'unban':
      return report(change, { ...state, ban: undefined }, [state.ban && 'unbanned'], why(change))
  }
}

function allow(state: KeyState, change: Allow, author: Author): Step {
  const label = plainText(change.label, MAX_LABEL_LENGTH)
  const { reason } = why(change)
  const { expiresAt } = change
  const old = state.meta?.fields ?? {}
  const fields = defined({
    ...old,
    ...defined({ label, reason }),
    expires_at: expiryAfter(old['expires_at'], expiresAt, author.now),
    ...(!state.listed && addition(author)),
  })
  const differs = !isSame(old, fields)
  const next: KeyState = {
    listed: true,
    spelling: state.listed ? state.spelling : (change.spelling ?? change.pubkey),
    meta: differs ? { fields, isNew: state.meta?.isNew ?? true } : state.meta,
    ban: undefined,
  }
  const deed = state.listed ? differs && 'updated' : 'added'
  return report(change, next, [state.ban && 'unbanned', deed], { label, reason, expiresAt })
}

function ban(state: KeyState, change: BanKey, { by, now }: Author): Step {
  const { reason } = why(change)
  const old = state.ban?.fields
  const since = {
    banned_at: formatTime(secondsOf(now)),
    banned_by: plainText(by, MAX_REASON_LENGTH),
  }
  const fields = defined({ ...old, ...defined({ reason }), ...(!old && since) })
  const differs = old !== undefined && !isSame(old, fields)
  const next = { ...remove(state), ban: { fields, isNew: state.ban?.isNew ?? true } }
  return report(change, next, [old ? differs && 'updated' : 'banned', removed(state)], { reason })
}

function why({ reason }: Change): { reason: string | undefined } {
  return { reason: plainText(reason, MAX_REASON_LENGTH) }
}

function remove({ ban }: KeyState): KeyState {
  return { listed: false, ban }
}

function removed({ listed, meta }: KeyState): Deed | false {
  return (listed || meta !== undefined) && 'removed'
}

function addition({ by, now }: Author): Fields {
  return { added_at: formatTime(secondsOf(now)), added_by: plainText(by, MAX_REASON_LENGTH) }
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

/** Without the fields that have no value. */
function defined<T extends object>(fields: T) {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]?: NonNullable<T[Name]> }
}

function isSame(a: Fields, b: Fields): boolean {
  const names = Object.keys({ ...a, ...b })
  return names.every(
    (name) => Object.hasOwn(a, name) && Object.hasOwn(b, name) && a[name] === b[name],
  )
}

/** Tells what was done, of the deeds that were. */
function report(
  { action, pubkey }: Change,
  state: KeyState,
  deeds: (Deed | false | undefined)[],
  given: { [Name in 'label' | 'reason' | 'expiresAt']?: Effect[Name] | undefined } = {},
): Step {
  const done = deeds.filter((deed) => deed !== undefined && deed !== false)
  if (done.length === 0) return { state }
  return { state, effect: { action, pubkey, deeds: done, ...defined(given) } }
}
