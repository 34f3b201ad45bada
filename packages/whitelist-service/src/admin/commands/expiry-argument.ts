import { CommandError, EXIT } from '@dstack-node/service-kit/command-error'
import * as z from 'zod'

const SECONDS = { h: 3600, d: 86_400, w: 604_800 } as const
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / 1000
const FORMS =
  'a time like 2026-12-31T18:00:00Z, a date like 2026-12-31 (its start in UTC), Unix seconds, or a time ' +
  'from now like 12h, 30d or 2w'

const timeSchema = z.iso.datetime({ offset: true })
const dateSchema = z.iso.date()

/**
 * Reads the moment in which a key expires, in seconds since 1970. Throws a CommandError where it is no
 * moment, or not in the future.
 */
export function parseExpiry(text: string, nowSeconds: number): number {
  const seconds = parseMoment(text.trim().toUpperCase(), nowSeconds)
  if (seconds === undefined) throw refusal(`must be ${FORMS}`)
  if (seconds <= nowSeconds) throw refusal(`must be in the future: ${FORMS}`)
  if (seconds > LAST_SECOND) {
    throw refusal('is after the year 9999: Unix time is in seconds, not in milliseconds')
  }
  return seconds
}

function parseMoment(text: string, nowSeconds: number): number | undefined {
  const [, count, unit] = /^(\d{1,15})([HDW])$/.exec(text) ?? []
  if (unit !== undefined) {
    return nowSeconds + Number(count) * SECONDS[unit.toLowerCase() as keyof typeof SECONDS]
  }
  if (/^\d{1,15}$/.test(text)) return Number(text)
  if (dateSchema.safeParse(text).success) return Date.parse(`${text}T00:00:00Z`) / 1000
  if (timeSchema.safeParse(text).success) return Math.floor(Date.parse(text) / 1000)
  return undefined
}

function refusal(why: string): CommandError {
  return new CommandError(`--expires ${why}`, EXIT.usage)
}
