/** What depends on the version of the VMM that is simulated. */
export interface VmmVersion {
  /** As `Version` reports it, such as `0.5.11`. */
  text: string
  rev: string
  /** As every answer's `X-App-Version` has it. */
  header: string
  /** `ListGpus` has `allow_attach_all` since 0.5.3. */
  knowsAttachAll: boolean
  /** The token guards every path since 0.6.0, before that only `/logs`. */
  guardsEverything: boolean
}

const REV = 'git:5d1c0a9be37f42d8a6c0'

export function parseVmmVersion(text: string): VmmVersion {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(text)
  if (!match) throw new RangeError(`"${text}" is no version such as 0.5.11`)
  const parts = match.slice(1).map(Number)
  return {
    text,
    rev: REV,
    header: `v${text} (${REV})`,
    knowsAttachAll: isAtLeast(parts, [0, 5, 3]),
    guardsEverything: isAtLeast(parts, [0, 6, 0]),
  }
}

function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  const differs = wanted.findIndex((part, index) => version[index] !== part)
  return differs < 0 || (version[differs] ?? 0) > (wanted[differs] ?? 0)
}
