import { MAX_REASON_LENGTH } from '../../list/allowlist-document.js'
import { plainText } from '../editing/plain-text.js'

/** A text of the list as it may be shown on a terminal, on one line and without anything that controls it. */
export function shownText(text: string | undefined): string | undefined {
  return plainText(text, MAX_REASON_LENGTH)
}
