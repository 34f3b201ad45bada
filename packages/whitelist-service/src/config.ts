import { dirname, join } from 'node:path'
import { parseEnv, variable, type Env } from '@dstack-node/service-kit/env'
import { serviceVariables, type ServiceConfig } from '@dstack-node/service-kit/program'
import { parsePubkey } from '@dstack-node/service-kit/pubkey'
import * as z from 'zod'
import { parseAuthHost, type AuthHost } from './auth/auth-hosts.js'
import { parseAddressRange, type AddressRange } from './trusted-proxies.js'

/** Where the list is: all that the commands have to know. */
export interface ListConfig {
  /** Path of the list; a relative one starts at the working directory. */
  whitelistFile: string
  /** Path of the file that each change of the list is written to. */
  auditFile: string
}

/** Everything the whitelist service can be told. */
export interface Config extends ServiceConfig, ListConfig {
  /** Who may change the list over HTTP, and where; undefined where nobody may. */
  admin: { pubkeys: ReadonlySet<string>; publicUrl: URL } | undefined
  /** What forward authentication goes by. */
  auth: AuthConfig
}

/** What forward authentication goes by; nothing of a request is believed unless it is named here. */
export interface AuthConfig {
  trustedProxies: readonly AddressRange[]
  hosts: readonly AuthHost[]
  /** The header, in lower case, and the parameter in which a proxy names the key. */
  pubkeyHeader: string | undefined
  pubkeyQuery: string | undefined
}

const listSchema = z.object({
  WHITELIST_FILE: variable((path) => path).default('./whitelist.json'),
  AUDIT_FILE: z.optional(variable((path) => path)),
})

const schema = z.object({
  ...serviceVariables('0.0.0.0:8082'),
  ...listSchema.shape,
  ADMIN_PUBKEYS: z.optional(variable(listOf(parseAdmin))),
  PUBLIC_URL: z.optional(variable(parsePublicUrl)),
  TRUSTED_PROXIES: variable(listOf(parseAddressRange)).default([]),
  AUTH_HOSTS: variable(listOf(parseAuthHost)).default([]),
  AUTH_PUBKEY_HEADER: z.optional(variable(parseHeaderName)),
  AUTH_PUBKEY_QUERY: z.optional(variable(parseParameterName)),
})

/**
 * Reads what the commands need, whatever the other variables hold. Throws a ConfigError that names every
 * problem.
 */
export function parseListConfig(env: Env): ListConfig {
  return locateList(parseEnv(listSchema, env))
}

/** Reads the configuration. Throws a ConfigError that names every problem. */
export function parseConfig(env: Env): Config {
  const variables = parseEnv(schema, env, findIncomplete(env))
  const { ADMIN_PUBKEYS: pubkeys, PUBLIC_URL: publicUrl } = variables
  return {
    listen: variables.LISTEN_ADDR,
    log: { level: variables.LOG_LEVEL, format: variables.LOG_FORMAT },
    ...locateList(variables),
    admin: pubkeys && publicUrl && { pubkeys: new Set(pubkeys), publicUrl },
    auth: {
      trustedProxies: variables.TRUSTED_PROXIES,
      hosts: variables.AUTH_HOSTS,
      pubkeyHeader: variables.AUTH_PUBKEY_HEADER,
      pubkeyQuery: variables.AUTH_PUBKEY_QUERY,
    },
  }
}

function locateList({ WHITELIST_FILE, AUDIT_FILE }: z.output<typeof listSchema>): ListConfig {
  return {
    whitelistFile: WHITELIST_FILE,
    auditFile: AUDIT_FILE ?? join(dirname(WHITELIST_FILE), 'audit.jsonl'),
  }
}

/** Variables that mean nothing alone: whoever sets one has forgotten the other. */
function findIncomplete(env: Env): string[] {
  const problems: string[] = []
  const { ADMIN_PUBKEYS, PUBLIC_URL, TRUSTED_PROXIES } = env
  if (ADMIN_PUBKEYS && !PUBLIC_URL) {
    problems.push(
      'PUBLIC_URL: is required with ADMIN_PUBKEYS: the URL under which admins reach this',
    )
  }
  if (PUBLIC_URL && !ADMIN_PUBKEYS) {
    problems.push('ADMIN_PUBKEYS: is required with PUBLIC_URL: the keys that may change the list')
  }
  const { AUTH_HOSTS, AUTH_PUBKEY_HEADER, AUTH_PUBKEY_QUERY } = env
  const hasWay = [AUTH_HOSTS, AUTH_PUBKEY_HEADER, AUTH_PUBKEY_QUERY].some(Boolean)
  if (hasWay && !TRUSTED_PROXIES) {
    problems.push('TRUSTED_PROXIES: is required with AUTH_…: the addresses of the proxies that ask')
  }
  // What it says tells admins apart too: their failed attempts are counted by address.
  if (!hasWay && TRUSTED_PROXIES && !ADMIN_PUBKEYS) {
    problems.push('AUTH_HOSTS: is required with TRUSTED_PROXIES, or another AUTH_… variable')
  }
  return problems
}

/** A reader of several values with commas or white space between them. */
function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => {
    const items = text.split(/[\s,]+/).filter((item) => item !== '')
    if (items.length === 0) throw new Error('has nothing but commas')
    return items.map(parse)
  }
}

function parseAdmin(text: string): string {
  const result = parsePubkey(text)
  if (!result.ok) throw new Error(`has an entry that is no public key: ${result.message}`)
  return result.pubkey
}

function parsePublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new Error('must be a URL, like https://whitelist.example.com')
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Error('must have no credentials, no query and no fragment')
  }
  return url
}

function parseHeaderName(text: string): string {
  if (!/^[a-z0-9-]+$/i.test(text))
    throw new Error('must be the name of a header, like X-Nostr-Pubkey')
  return text.toLowerCase()
}

function parseParameterName(text: string): string {
  if (!/^[\w-]+$/.test(text)) throw new Error('must be the name of a parameter, like pubkey')
  return text
}
