import {
  closeHttpServer,
  listen,
  type RunningService,
  type StartContext,
} from '@dstack-node/service-kit'
import { recoverAllowlist } from './admin/writing/recover-allowlist.js'
import { createRecoveringReader } from './admin/writing/recovering-reader.js'
import { createServedWrites } from './admin/nip86/serve-changes.js'
import { openAllowlistFile } from './list/allowlist-file.js'
import { createClock } from './clock.js'
import type { Config } from './config.js'
import { buildServer } from './server.js'
import type { Threads } from './threads.js'

/** Loads the list, then listens. Throws a StartError when either fails, with nothing left open. */
export async function startWhitelist(
  { config, log, signal }: StartContext<Config>,
  { threads, version }: { threads: Threads; version: string },
): Promise<RunningService> {
  const { whitelistFile: path, auditFile } = config
  const recover = () => recoverAllowlist({ path, auditFile })
  const read = createRecoveringReader({ read: threads.read, recover, log })
  const file = await openAllowlistFile({ path, read, log })
  signal.throwIfAborted()
  const clock = createClock()
  const write = createServedWrites({ file, change: threads.change, path, auditFile, clock })
  const app = await buildServer({
    file,
    format: threads.format,
    clock,
    auth: config.auth,
    admin: config.admin && { settings: config.admin, write },
    log,
    version,
    stopping: signal,
  })
  app.addHook('onClose', async () => {
    file.close()
  })
  const url = await listen(app, config.listen)
  return { url, reload: () => void file.reload(), close: () => closeHttpServer(app) }
}
