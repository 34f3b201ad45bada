import {
  parseEnv,
  serviceVariables,
  variable,
  type Env,
  type ServiceConfig,
} from '@dstack-node/service-kit'
import * as z from 'zod'
import { parseToken, type TokenSource } from './dstack/dstack-token.js'
import { parseDstackEndpoint, parseHttpEndpoint, type Endpoint } from './requests/endpoint.js'
import { parseExpectedGpus, type Expectation } from './inventory/expectation.js'
import { parseAdvertisedIp } from './address/ip-address.js'
import { parseOwnerAddress, type OwnerAddress } from './owner-address.js'

/** Everything the backend can be told. */
export interface Config extends ServiceConfig {
  registry: Endpoint
  owner: OwnerAddress
  /** What the worker registers as; `auto` for what the VMM shows. */
  nodeType: string
  /** The GPUs that EXPECTED_GPUS names; undefined where the node type says it, or nobody. */
  expected: Expectation | undefined
  dstack: Endpoint
  dstackToken: TokenSource
  /** The service that tells whether this machine's key is on the list, if there is one. */
  whitelist: Endpoint | undefined
  /** The address that is told in place of one that is found. */
  advertisedIp: string | undefined
  /** The folder that holds `key`; a relative path starts at the working directory. */
  dataDir: string
  registrationTimeoutMs: number
}

const MAX_TIMEOUT_MS = 3_600_000

const dataDirVariable = { DATA_DIR: variable((path) => path).default('./data') }

const schema = z.object({
  ...serviceVariables('0.0.0.0:8080'),
  REGISTRY_URL: variable(parseHttpEndpoint),
  OWNER_ADDRESS: variable(parseOwnerAddress),
  NODE_TYPE: variable(parseNodeType).default('node-H100x1'),
  EXPECTED_GPUS: z.optional(variable(parseExpectedGpus)),
  DSTACK_URL: z.optional(variable(parseDstackEndpoint)),
  DSTACK_BACKEND_DSTACK_URL: z.optional(variable(parseDstackEndpoint)),
  DSTACK_TOKEN: z.optional(variable(parseToken)),
  DSTACK_TOKEN_FILE: z.optional(variable((path) => path)),
  WHITELIST_URL: z.optional(variable(parseHttpEndpoint)),
  ADVERTISE_IP: z.optional(variable(parseAdvertisedIp)),
  ...dataDirVariable,
  REGISTRATION_TIMEOUT_MS: variable(parseTimeout).default(10_000),
})

/** Reads the configuration. Throws a ConfigError that names every problem. */
export function parseConfig(env: Env): Config {
  const variables = parseEnv(schema, withoutUnusedFallback(env), findConflicts(env))
  return {
    listen: variables.LISTEN_ADDR,
    log: { level: variables.LOG_LEVEL, format: variables.LOG_FORMAT },
    registry: variables.REGISTRY_URL,
    owner: variables.OWNER_ADDRESS,
    nodeType: variables.NODE_TYPE,
    expected: variables.EXPECTED_GPUS,
    dstack:
      variables.DSTACK_URL ??
      variables.DSTACK_BACKEND_DSTACK_URL ??
      parseDstackEndpoint('http://localhost:19060'),
    dstackToken: tokenSourceOf(variables.DSTACK_TOKEN, variables.DSTACK_TOKEN_FILE),
    whitelist: variables.WHITELIST_URL,
    advertisedIp: variables.ADVERTISE_IP,
    dataDir: variables.DATA_DIR,
    registrationTimeoutMs: variables.REGISTRATION_TIMEOUT_MS,
  }
}

/** Reads no more of the configuration than where the key is. Throws a ConfigError when that can't be. */
export function parseDataDir(env: Env): string {
  return parseEnv(z.object(dataDirVariable), env).DATA_DIR
}

/** The older name counts only where the newer one is unset, and so do its mistakes. */
function withoutUnusedFallback(env: Env): Env {
  return env['DSTACK_URL'] === undefined ? env : { ...env, DSTACK_BACKEND_DSTACK_URL: undefined }
}

/** What can't be meant together. */
function findConflicts(env: Env): string[] {
  const { DSTACK_TOKEN, DSTACK_TOKEN_FILE, DSTACK_URL, DSTACK_BACKEND_DSTACK_URL } = env
  const problems: string[] = []
  if (DSTACK_TOKEN && DSTACK_TOKEN_FILE) {
    problems.push('DSTACK_TOKEN_FILE: is set beside DSTACK_TOKEN: take one of the two out')
  }
  const hasCredentials = /^\s*https?:\/\/[^/]*@/i.test(
    DSTACK_URL ?? DSTACK_BACKEND_DSTACK_URL ?? '',
  )
  if (hasCredentials && (DSTACK_TOKEN || DSTACK_TOKEN_FILE)) {
    problems.push('DSTACK_URL: has credentials although there is a token: take one of the two out')
  }
  return problems
}

function tokenSourceOf(token: string | undefined, path: string | undefined): TokenSource {
  if (token !== undefined) return { kind: 'value', token }
  return path === undefined ? { kind: 'none' } : { kind: 'file', path }
}

function parseNodeType(text: string): string {
  if (!/^[^\p{Cc}]{1,100}$/u.test(text)) {
    throw new Error('must be 1 to 100 characters on one line, like node-H100x1')
  }
  return text
}

function parseTimeout(text: string): number {
  const milliseconds = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (milliseconds < 1 || milliseconds > MAX_TIMEOUT_MS) {
    throw new Error(`must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`)
  }
  return milliseconds
}
