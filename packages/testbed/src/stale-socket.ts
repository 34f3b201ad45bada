import { lstat, rename } from 'node:fs/promises'
import { connect, createServer } from 'node:net'

/** Whether a socket file is left at `path` that nobody listens on any more. */
export async function hasStaleSocket(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined)
  if (!file?.isSocket()) return false
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.on('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED')
    })
  })
}

/** Leaves what a killed VMM leaves: a socket file without a listener. */
export async function createStaleSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  // Closing removes the file by its name, so it must bear another one meanwhile.
  const aside = `${path}~`
  await rename(path, aside)
  await new Promise((resolve) => server.close(resolve))
  await rename(aside, path)
}
