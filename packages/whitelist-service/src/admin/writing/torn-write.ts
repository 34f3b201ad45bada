/** What a disk writes whole or not at all; all of its blocks are multiples of it. */
const SECTOR = 512

/**
 * Whether a content is what an interrupted overwriting leaves: the new content up to some point and the old
 * one from there, or, after a power cut, sectors of the one and of the other. The whole old one and the
 * whole new one are not: they need nothing.
 */
export function isTorn(content: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  if (isSame(content, before) || isSame(content, after)) return false
  return isCutOver(content, before, after) || isPatchwork(content, before, after)
}

function isCutOver(content: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  const common = commonLength(content, after)
  if (content.length > before.length) return common === content.length
  if (content.length < before.length) return false
  return isSame(content.subarray(common), before.subarray(common))
}

function isPatchwork(content: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  if (!isLengthBetween(content.length, before.length, after.length)) return false
  for (let start = 0; start < content.length; start += SECTOR) {
    const end = Math.min(start + SECTOR, content.length)
    const piece = content.subarray(start, end)
    const isOld = isSame(piece, before.subarray(start, end))
    if (!isOld && !isSame(piece, after.subarray(start, end))) return false
  }
  return true
}

/** A file grows piece by piece, and is shortened at once. */
function isLengthBetween(length: number, before: number, after: number): boolean {
  if (length === before || length === after) return true
  return before < length && length < after
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a[length] === b[length]) length += 1
  return length
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
