import { isSecretKey } from '@dstack-node/service-kit/pubkey'

/** What hides or reorders text, or ends a line: control characters, line ends, directions, halves. */
const UNWANTED = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu

/**
 * A text from outside as it may stand in the list and in the audit log: on one line, bounded, and without
 * a secret key. Undefined where nothing is left of it.
 */
export function plainText(text: string | undefined, maxLength: number): string | undefined {
  if (text === undefined) return undefined
  if (isSecretKey(text)) return '[secret key]'
  // More than is kept would only be read to be thrown away.
  const cleaned = text
    .slice(0, 4 * maxLength)
    .replace(UNWANTED, ' ')
    .trim()
  const bounded = cutAt(cleaned, maxLength).trim()
  return bounded === '' ? undefined : bounded
}

/** Never through the middle of a character that takes two places. */
function cutAt(text: string, length: number): string {
  return text.slice(0, length).replace(/\p{Cs}$/u, '')
}
