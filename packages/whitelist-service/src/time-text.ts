/** A moment, in whole seconds since 1970, as RFC 3339 in UTC: `2026-12-31T00:00:00Z`. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
