import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import type { AllowlistState } from '../src/allowlist-file.js'
import { parseAllowlist } from '../src/allowlist.js'
import { buildServer } from '../src/server.js'
import { listOf } from './_bytes.js'
import { recordLog } from './_log.js'

export const LOADED_AT = new Date('2026-01-02T03:04:05.678Z')

/** The service over a list that stands in no file; `state` may be changed while it serves. */
export async function makeServer(
  pubkeys: readonly string[],
): Promise<{ app: FastifyInstance; state: AllowlistState }> {
  const state: AllowlistState = {
    allowlist: parseAllowlist(listOf(pubkeys)),
    loadedAt: LOADED_AT,
    problem: undefined,
  }
  const file = { state: () => state, reload: async () => undefined, close: async () => undefined }
  const { log } = await recordLog()
  const app = await buildServer({ file, log, version: '1.2.3' })
  onTestFinished(() => app.close())
  return { app, state }
}
