import {
  parseEnv,
  serviceVariables,
  variable,
  type Env,
  type ServiceConfig,
} from '@dstack-node/service-kit'
import * as z from 'zod'

/** Everything the whitelist service can be told. */
export interface Config extends ServiceConfig {
  /** Path of the list; a relative one starts at the working directory. */
  whitelistFile: string
}

const schema = z.object({
  ...serviceVariables('0.0.0.0:8082'),
  WHITELIST_FILE: variable((path) => path).default('./whitelist.json'),
})

/** Reads the configuration. Throws a ConfigError that names every problem. */
export function parseConfig(env: Env): Config {
  const variables = parseEnv(schema, env)
  return {
    listen: variables.LISTEN_ADDR,
    log: { level: variables.LOG_LEVEL, format: variables.LOG_FORMAT },
    whitelistFile: variables.WHITELIST_FILE,
  }
}
