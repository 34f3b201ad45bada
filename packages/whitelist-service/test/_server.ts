import { createHash } from 'node:crypto'
import { checkAnswers, createApiContract } from '@dstack-node/testbed/test-tools/api-contract'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import type { AllowlistFile, AllowlistState } from '../src/list/allowlist-file.js'
import { parseAllowlist } from '../src/list/allowlist.js'
import { describeWhitelistApi } from '../src/api-description.js'
import { createClock } from '../src/clock.js'
import type { AuthConfig } from '../src/config.js'
import type { FormatList } from '../src/list/list-edition.js'
import { formatList } from '../src/list/list-format.js'
import { buildServer } from '../src/server.js'
import { bytesOf } from './_bytes.js'
import { recordLog, type LogLevel, type LogLine } from './_log.js'

export const LOADED_AT = new Date('2026-01-02T03:04:05.678Z')

/** A service for a test; what it answers from may be changed while it serves. */
export interface TestServer {
  app: FastifyInstance
  state: AllowlistState
  /** What the clock says, in seconds since 1970. */
  time: { now: number }
  /** How often the list was written in some form. */
  formatted: () => number
  stopping: AbortController
  /** What it has logged so far. */
  lines: () => LogLine[]
}

const NO_AUTH: AuthConfig = {
  trustedProxies: [],
  hosts: [],
  pubkeyHeader: undefined,
  pubkeyQuery: undefined,
}

/** Each answer of each test is held to this. */
const contract = createApiContract(describeWhitelistApi('1.2.3'), {
  anyMethod: ['/auth', '/auth/{path}'],
})

const writeList: FormatList = async (...order) => formatList(...order)

/** What a service for a test may have beside its keys. */
export interface TestServerOptions {
  meta?: object
  banned?: object
  auth?: Partial<AuthConfig>
  level?: LogLevel
  format?: FormatList
}

/** The service over a list that stands in no file. */
export async function makeServer(
  pubkeys: readonly string[],
  { auth, level, format = writeList, ...more }: TestServerOptions = {},
): Promise<TestServer> {
  const bytes = bytesOf(JSON.stringify({ pubkeys, ...more }))
  const state: AllowlistState = {
    allowlist: parseAllowlist(bytes),
    hash: createHash('sha256').update(bytes).digest('hex'),
    loadedAt: LOADED_AT,
    problem: undefined,
  }
  const file: AllowlistFile = {
    state: () => state,
    reload: async () => undefined,
    wasReplacedOutside: async () => false,
    close: () => undefined,
  }
  const time = { now: LOADED_AT.getTime() / 1000 }
  const clock = createClock({ wallMs: () => time.now * 1000, elapsedMs: () => 0 })
  const stopping = new AbortController()
  const { log, lines } = await recordLog(level)
  let formatted = 0
  const app = await buildServer({
    file,
    format: async (...order) => {
      formatted += 1
      return format(...order)
    },
    clock,
    auth: { ...NO_AUTH, ...auth },
    log,
    version: '1.2.3',
    stopping: stopping.signal,
  })
  checkAnswers(app, contract)
  onTestFinished(() => app.close())
  return { app, state, time, formatted: () => formatted, stopping, lines }
}
