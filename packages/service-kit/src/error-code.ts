/** The stable `code` of a system or library error (`ENOENT`, `UND_ERR_…`); `unknown` without one. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : 'unknown'
}
