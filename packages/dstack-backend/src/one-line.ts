/**
 * A text from outside, fit for a log, a message or a page: on one line, without control, invisible or broken
 * characters, and cut after `maxLength` of them.
 */
export function oneLine(text: string, maxLength: number): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ').trim()
  // A pair that the cut would split is left out whole.
  return line.length > maxLength
    ? `${line.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')}…`
    : line
}
