import { userInfo } from 'node:os'

/** Who is at the shell, as the audit log names them. */
export function shellUser(): string {
  return `shell:${userName()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container, the user may have no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}
