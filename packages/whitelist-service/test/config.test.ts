import { ConfigError } from '@dstack-node/service-kit'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { parseConfig, parseListConfig } from '../src/config.js'

const key = makeKey()
const other = makeKey()
const ADMIN = { ADMIN_PUBKEYS: key.npub, PUBLIC_URL: 'https://list.example' }
const PROXY = { TRUSTED_PROXIES: '127.0.0.1' }

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems
  }
  return []
}

describe('parseListConfig', () => {
  it('finds the list and the audit file as the service does', () => {
    for (const env of [{}, { WHITELIST_FILE: '/a/list.json' }, { AUDIT_FILE: ' log.jsonl ' }]) {
      const { whitelistFile, auditFile } = parseConfig(env)
      expect(parseListConfig(env)).toEqual({ whitelistFile, auditFile })
    }
  })

  it('does not look at what only the service needs', () => {
    const env = { LISTEN_ADDR: 'x', LOG_LEVEL: 'x', AUTH_HOSTS: 'a', PUBLIC_URL: 'x' }
    expect(problemsOf(env)).not.toEqual([])
    expect(parseListConfig(env)).toEqual(parseListConfig({}))
  })

  it('refuses a secret key in what it does look at', () => {
    const env = { WHITELIST_FILE: key.nsec, AUDIT_FILE: `/var/${key.nsec}` }
    expect(() => parseListConfig(env)).toThrow(
      /^WHITELIST_FILE: holds a SECRET key.*\nAUDIT_FILE: holds a SECRET key.*$/,
    )
  })
})

describe('parseConfig', () => {
  it('needs nothing', () => {
    expect(parseConfig({})).toEqual({
      listen: { host: '0.0.0.0', port: 8082 },
      log: { level: 'info', format: undefined },
      whitelistFile: './whitelist.json',
      auditFile: 'audit.jsonl',
      admin: undefined,
      auth: { trustedProxies: [], hosts: [], pubkeyHeader: undefined, pubkeyQuery: undefined },
    })
  })

  it('reads every variable', () => {
    const env = {
      LISTEN_ADDR: '[::1]:9000',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      WHITELIST_FILE: ' /etc/my list.json ',
      AUDIT_FILE: '/var/log/audit.jsonl',
      ADMIN_PUBKEYS: `${key.npub},${other.hex}`,
      PUBLIC_URL: 'https://list.example/admin',
      TRUSTED_PROXIES: '127.0.0.1 10.0.0.0/8',
      AUTH_HOSTS: 'media.example, https://files.example:8443',
      AUTH_PUBKEY_HEADER: 'X-Nostr-Pubkey',
      AUTH_PUBKEY_QUERY: 'pubkey',
    }
    expect(parseConfig(env)).toEqual({
      listen: { host: '::1', port: 9000 },
      log: { level: 'trace', format: 'json' },
      whitelistFile: '/etc/my list.json',
      auditFile: '/var/log/audit.jsonl',
      admin: {
        pubkeys: new Set([key.hex, other.hex]),
        publicUrl: new URL('https://list.example/admin'),
      },
      auth: {
        trustedProxies: [
          { address: '127.0.0.1', prefix: 32 },
          { address: '10.0.0.0', prefix: 8 },
        ],
        hosts: [
          { host: 'media.example', protocol: undefined },
          { host: 'files.example:8443', protocol: 'https:' },
        ],
        pubkeyHeader: 'x-nostr-pubkey',
        pubkeyQuery: 'pubkey',
      },
    })
  })

  it('puts the audit file beside the list', () => {
    const auditFileOf = (path: string) => parseConfig({ WHITELIST_FILE: path }).auditFile
    expect(auditFileOf('/etc/list/keys.json')).toBe('/etc/list/audit.jsonl')
    expect(auditFileOf('keys.json')).toBe('audit.jsonl')
  })

  it.each([key.npub, key.hex, key.hex.toUpperCase(), key.nprofile, `nostr:${key.npub}`])(
    'reads an admin that is spelled %s',
    (spelling) => {
      const { admin } = parseConfig({ ...ADMIN, ADMIN_PUBKEYS: ` ${spelling} ,, ${other.npub}\n` })
      expect(admin?.pubkeys).toEqual(new Set([key.hex, other.hex]))
    },
  )

  it.each([
    ['an admin that is no key', { ...ADMIN, ADMIN_PUBKEYS: `${key.npub} bob` }, 'ADMIN_PUBKEYS'],
    ['an admin by a secret key', { ...ADMIN, ADMIN_PUBKEYS: key.nsec }, 'ADMIN_PUBKEYS'],
    ['admins that are only commas', { ...ADMIN, ADMIN_PUBKEYS: ', ,' }, 'ADMIN_PUBKEYS'],
    ['a public URL without a scheme', { ...ADMIN, PUBLIC_URL: 'list.example' }, 'PUBLIC_URL'],
    ['a public URL of another scheme', { ...ADMIN, PUBLIC_URL: 'ws://list.example' }, 'PUBLIC_URL'],
    ['credentials in it', { ...ADMIN, PUBLIC_URL: 'https://me:hunter2@a.example' }, 'PUBLIC_URL'],
    ['a query in it', { ...ADMIN, PUBLIC_URL: 'https://list.example/?a=hunter2' }, 'PUBLIC_URL'],
    ['a fragment in it', { ...ADMIN, PUBLIC_URL: 'https://list.example/#a' }, 'PUBLIC_URL'],
    ['a proxy by name', { AUTH_HOSTS: 'a.example', TRUSTED_PROXIES: 'nginx' }, 'TRUSTED_PROXIES'],
    ['no proxy at all', { AUTH_HOSTS: 'a.example', TRUSTED_PROXIES: ',' }, 'TRUSTED_PROXIES'],
    ['a host with a path', { ...PROXY, AUTH_HOSTS: 'a.example/x' }, 'AUTH_HOSTS'],
    ['a header with a space', { ...PROXY, AUTH_PUBKEY_HEADER: 'X Key' }, 'AUTH_PUBKEY_HEADER'],
    ['a header with a colon', { ...PROXY, AUTH_PUBKEY_HEADER: 'X-Key:' }, 'AUTH_PUBKEY_HEADER'],
    ['a parameter with a sign', { ...PROXY, AUTH_PUBKEY_QUERY: 'pub=key' }, 'AUTH_PUBKEY_QUERY'],
  ])('refuses %s and does not repeat it', (_, env, variable) => {
    const problems = problemsOf(env)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${variable}: `))
    expect(problems[0]).not.toMatch(/bob|hunter2|nsec1/)
  })

  it.each([
    [{ ADMIN_PUBKEYS: key.npub }, 'PUBLIC_URL: is required with ADMIN_PUBKEYS'],
    [{ PUBLIC_URL: 'https://list.example' }, 'ADMIN_PUBKEYS: is required with PUBLIC_URL'],
    [{ AUTH_HOSTS: 'a.example' }, 'TRUSTED_PROXIES: is required with AUTH_…'],
    [{ AUTH_PUBKEY_HEADER: 'X-Key' }, 'TRUSTED_PROXIES: is required with AUTH_…'],
    [{ AUTH_PUBKEY_QUERY: 'pubkey' }, 'TRUSTED_PROXIES: is required with AUTH_…'],
    [PROXY, 'AUTH_HOSTS: is required with TRUSTED_PROXIES'],
  ])('says what else is needed with %j', (env, problem) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([
      expect.stringContaining(problem) as string,
    ])
  })

  it('needs no more than TRUSTED_PROXIES for admins behind a proxy', () => {
    const admin = { ADMIN_PUBKEYS: key.npub, PUBLIC_URL: 'https://list.example' }
    expect(parseConfig({ ...admin, ...PROXY }).auth.trustedProxies).toHaveLength(1)
  })

  it('tells all problems at once', () => {
    const env = { LISTEN_ADDR: '8082', LOG_LEVEL: 'loud', LOG_FORMAT: 'xml' }
    expect(() => parseConfig(env)).toThrow(
      new ConfigError([
        'LISTEN_ADDR: must be host:port, [v6]:port or :port, like 0.0.0.0:8080',
        'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
        'LOG_FORMAT: must be one of pretty, json',
      ]),
    )
  })

  it('tells what is wrong and what is missing at once', () => {
    const env = { LOG_LEVEL: 'loud', ADMIN_PUBKEYS: 'bob', AUTH_HOSTS: 'a b/c' }
    expect(problemsOf(env).map((problem) => problem.split(':')[0])).toEqual([
      'LOG_LEVEL',
      'ADMIN_PUBKEYS',
      'AUTH_HOSTS',
      'PUBLIC_URL',
      'TRUSTED_PROXIES',
    ])
  })
})
