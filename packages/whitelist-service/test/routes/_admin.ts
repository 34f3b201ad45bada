import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { expect, onTestFinished } from 'vitest'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { changeAllowlist } from '../../src/admin/change-allowlist.js'
import { createServedWrites } from '../../src/admin/nip86/serve-changes.js'
import { openAllowlistFile, type AllowlistFile } from '../../src/list/allowlist-file.js'
import { readAllowlist } from '../../src/list/allowlist-reader.js'
import type { Clock } from '../../src/clock.js'
import { parseConfig } from '../../src/config.js'
import { formatList } from '../../src/list/list-format.js'
import { buildServer } from '../../src/server.js'
import { simulateClock, type SimulatedClock } from '../_clock.js'
import { recordLog, type LogLine } from '../_log.js'
import { headerOf, NOW } from '../_nip98.js'

export const PUBLIC_URL = 'https://list.example/'
export const MEDIA_TYPE = 'application/nostr+json+rpc'
export const METHODS = [
  'supportedmethods',
  'allowpubkey',
  'unallowpubkey',
  'listallowedpubkeys',
  'banpubkey',
  'unbanpubkey',
  'listbannedpubkeys',
]

export const adminKey = generateSecretKey()
export const admin = getPublicKey(adminKey)
export const strangerKey = generateSecretKey()

/** A service over a file of its own, whose list an admin may change. */
export interface AdminServer<AnyClock = SimulatedClock> {
  app: FastifyInstance
  file: AllowlistFile
  clock: AnyClock
  path: string
  text: () => Promise<string>
  /** The lines of the audit log. */
  audit: () => Promise<unknown[]>
  lines: () => LogLine[]
}

interface AdminServerOptions {
  content?: string | object
  admins?: string[]
  publicUrl?: string
  env?: Record<string, string>
}

/** The service with a clock that only moves when it is told to. */
export async function makeAdminServer(options: AdminServerOptions = {}): Promise<AdminServer> {
  return makeServerWith(simulateClock(NOW), options)
}

export async function makeServerWith<AnyClock extends Clock>(
  clock: AnyClock,
  options: AdminServerOptions,
): Promise<AdminServer<AnyClock>> {
  const { content = { pubkeys: [] }, admins = [admin], publicUrl = PUBLIC_URL, env } = options
  const path = join(await temporaryFolder(), 'whitelist.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  const { auditFile, auth, ...config } = parseConfig({
    WHITELIST_FILE: path,
    ADMIN_PUBKEYS: admins.join(','),
    PUBLIC_URL: publicUrl,
    ...env,
  })
  if (!config.admin) throw new Error('there must be an admin')
  const { log, lines } = await recordLog()
  const file = await openAllowlistFile({ path, read: readAllowlist, log })
  const write = createServedWrites({ file, change: changeAllowlist, path, auditFile, clock })
  const app = await buildServer({
    file,
    format: async (...order) => formatList(...order),
    clock,
    auth,
    admin: { settings: config.admin, write },
    log,
    version: '1.2.3',
    stopping: new AbortController().signal,
  })
  onTestFinished(async () => {
    file.close()
    await app.close()
  })
  const audit = async () =>
    (await readFile(auditFile, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown)
  return { app, file, clock, path, text: () => readFile(path, 'utf8'), audit, lines }
}

/** What a token says; all of it fits the request unless it is told otherwise. */
export interface TokenOptions {
  key?: Uint8Array
  url?: string
  tags?: string[][]
  createdAt?: number
  kind?: number
}

let lastNonce = 0

/** The header for one request with that body; no two are the same. */
export function tokenFor(body: string | Uint8Array, options: TokenOptions = {}): string {
  const { key = adminKey, url = PUBLIC_URL, createdAt = NOW, kind = 27235 } = options
  const { tags = tagsFor(body, url) } = options
  const nonce = ['nonce', String((lastNonce += 1))]
  return headerOf(
    finalizeEvent({ kind, created_at: createdAt, tags: [...tags, nonce], content: '' }, key),
  )
}

export function tagsFor(body: string | Uint8Array, url = PUBLIC_URL): string[][] {
  const payload = createHash('sha256').update(body).digest('hex')
  return [
    ['u', url],
    ['method', 'POST'],
    ['payload', payload],
  ]
}

export function bodyOf(method: string, params: unknown[] = []): string {
  return JSON.stringify({ method, params })
}

interface PostOptions {
  authorization?: string | undefined
  target?: string
  headers?: Record<string, string>
  from?: string
}

/** Sends a body, with the token of an admin unless another header is given. */
export function post(
  { app }: Pick<AdminServer, 'app'>,
  body: string | Buffer,
  { target = '/', headers, from = '203.0.113.7', ...rest }: PostOptions = {},
) {
  const authorization = 'authorization' in rest ? rest.authorization : tokenFor(body)
  return app.inject({
    method: 'POST',
    url: target,
    headers: { 'content-type': MEDIA_TYPE, ...(authorization && { authorization }), ...headers },
    payload: body,
    remoteAddress: from,
  })
}

/** Calls a method as an admin; the answer, which must come with status 200. */
export async function call(
  server: Pick<AdminServer, 'app'>,
  method: string,
  ...params: unknown[]
): Promise<unknown> {
  const response = await post(server, bodyOf(method, params))
  expect(response.statusCode).toBe(200)
  return response.json()
}

/** What the service answers to a check of the key, right now. */
export async function check({ app }: Pick<AdminServer, 'app'>, pubkey: string): Promise<string> {
  const response = await app.inject(`/api/check/${pubkey}`)
  const { code } = response.json<{ code: string }>()
  return `${response.statusCode} ${code}`
}
