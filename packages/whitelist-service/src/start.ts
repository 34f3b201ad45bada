import {
  closeHttpServer,
  listen,
  type RunningService,
  type StartContext,
} from '@dstack-node/service-kit'
import { openAllowlistFile } from './allowlist-file.js'
import type { ReadAllowlist } from './allowlist-reader.js'
import type { Config } from './config.js'
import { buildServer } from './server.js'

/** Loads the list, then listens. Throws a StartError when either fails, with nothing left open. */
export async function startWhitelist(
  { config, log, signal }: StartContext<Config>,
  { read, version }: { read: ReadAllowlist; version: string },
): Promise<RunningService> {
  const file = await openAllowlistFile({ path: config.whitelistFile, read, log })
  signal.throwIfAborted()
  const app = await buildServer({ file, log, version })
  app.addHook('onClose', async () => {
    file.close()
  })
  const url = await listen(app, config.listen)
  return { url, reload: () => void file.reload(), close: () => closeHttpServer(app) }
}
