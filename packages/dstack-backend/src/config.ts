import {
  parseEnv,
  serviceVariables,
  variable,
  type Env,
  type ServiceConfig,
} from '@dstack-node/service-kit'
import * as z from 'zod'
import { parseDstackEndpoint, parseHttpEndpoint, type Endpoint } from './endpoint.js'
import { parseOwnerAddress, type OwnerAddress } from './owner-address.js'

/** Everything the backend can be told. */
export interface Config extends ServiceConfig {
  registry: Endpoint
  owner: OwnerAddress
  nodeType: string
  dstack: Endpoint
  /** The folder that holds `key`; a relative path starts at the working directory. */
  dataDir: string
  registrationTimeoutMs: number
}

const MAX_TIMEOUT_MS = 3_600_000

const schema = z.object({
  ...serviceVariables('0.0.0.0:8080'),
  REGISTRY_URL: variable(parseHttpEndpoint),
  OWNER_ADDRESS: variable(parseOwnerAddress),
  NODE_TYPE: variable(parseNodeType).default('node-H100x1'),
  DSTACK_URL: z.optional(variable(parseDstackEndpoint)),
  DSTACK_BACKEND_DSTACK_URL: z.optional(variable(parseDstackEndpoint)),
  DATA_DIR: variable((path) => path).default('./data'),
  REGISTRATION_TIMEOUT_MS: variable(parseTimeout).default(10_000),
})

/** Reads the configuration. Throws a ConfigError that names every problem. */
export function parseConfig(env: Env): Config {
  const variables = parseEnv(schema, withoutUnusedFallback(env))
  return {
    listen: variables.LISTEN_ADDR,
    log: { level: variables.LOG_LEVEL, format: variables.LOG_FORMAT },
    registry: variables.REGISTRY_URL,
    owner: variables.OWNER_ADDRESS,
    nodeType: variables.NODE_TYPE,
    dstack:
      variables.DSTACK_URL ??
      variables.DSTACK_BACKEND_DSTACK_URL ??
      parseDstackEndpoint('http://localhost:19060'),
    dataDir: variables.DATA_DIR,
    registrationTimeoutMs: variables.REGISTRATION_TIMEOUT_MS,
  }
}

/** The older name counts only where the newer one is unset, and so do its mistakes. */
function withoutUnusedFallback(env: Env): Env {
  return env['DSTACK_URL'] === undefined ? env : { ...env, DSTACK_BACKEND_DSTACK_URL: undefined }
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
