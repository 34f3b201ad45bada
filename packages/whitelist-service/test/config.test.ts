import { ConfigError } from '@dstack-node/service-kit'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.js'

describe('parseConfig', () => {
  it('needs nothing', () => {
    expect(parseConfig({})).toEqual({
      listen: { host: '0.0.0.0', port: 8082 },
      log: { level: 'info', format: undefined },
      whitelistFile: './whitelist.json',
    })
  })

  it('reads every variable', () => {
    const env = {
      LISTEN_ADDR: '[::1]:9000',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      WHITELIST_FILE: ' /etc/my list.json ',
    }
    expect(parseConfig(env)).toEqual({
      listen: { host: '::1', port: 9000 },
      log: { level: 'trace', format: 'json' },
      whitelistFile: '/etc/my list.json',
    })
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
})
