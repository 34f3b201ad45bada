import { ConfigError, type Env } from '@dstack-node/service-kit'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.js'

const REQUIRED = {
  REGISTRY_URL: 'http://registry:9200/',
  OWNER_ADDRESS: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
}

function problemsOf(env: Env): readonly string[] {
  try {
    parseConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('parseConfig', () => {
  it('has the defaults of the contract', () => {
    expect(parseConfig(REQUIRED)).toEqual({
      listen: { host: '0.0.0.0', port: 8080 },
      log: { level: 'info', format: undefined },
      registry: { baseUrl: 'http://registry:9200' },
      owner: { address: REQUIRED.OWNER_ADDRESS },
      nodeType: 'node-H100x1',
      expected: undefined,
      dstack: { baseUrl: 'http://localhost:19060' },
      dstackToken: { kind: 'none' },
      whitelist: undefined,
      advertisedIp: undefined,
      dataDir: './data',
      registrationTimeoutMs: 10_000,
    })
  })

  it('takes DSTACK_BACKEND_DSTACK_URL where DSTACK_URL is unset', () => {
    const older = { ...REQUIRED, DSTACK_BACKEND_DSTACK_URL: 'http://old:1' }
    expect(parseConfig(older).dstack.baseUrl).toBe('http://old:1')
    expect(parseConfig({ ...older, DSTACK_URL: 'http://new:1' }).dstack.baseUrl).toBe(
      'http://new:1',
    )
  })

  it('does not mind a mistake in DSTACK_BACKEND_DSTACK_URL where it is not used', () => {
    const env = { ...REQUIRED, DSTACK_BACKEND_DSTACK_URL: 'garbage' }
    expect(parseConfig({ ...env, DSTACK_URL: 'http://new:1' }).dstack.baseUrl).toBe('http://new:1')
    expect(problemsOf(env)).toEqual([
      'DSTACK_BACKEND_DSTACK_URL: must start with http://, https:// or unix:',
    ])
  })

  it('refuses a secret key in any variable', () => {
    const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5'
    expect(problemsOf({ ...REQUIRED, NODE_TYPE: nsec })).toEqual([
      'NODE_TYPE: holds a SECRET key, which has no place here: take it out, and treat it as leaked',
    ])
  })

  it('names every problem at once', () => {
    const problems = problemsOf({
      LISTEN_ADDR: 'nowhere',
      LOG_LEVEL: 'loud',
      OWNER_ADDRESS: '0x12',
      NODE_TYPE: 'a\nb',
      DSTACK_URL: 'vmm.sock',
      REGISTRATION_TIMEOUT_MS: '0',
    })
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'DSTACK_URL',
      'LISTEN_ADDR',
      'LOG_LEVEL',
      'NODE_TYPE',
      'OWNER_ADDRESS',
      'REGISTRATION_TIMEOUT_MS',
      'REGISTRY_URL',
    ])
  })

  it('says that REGISTRY_URL and OWNER_ADDRESS are required', () => {
    expect(problemsOf({})).toEqual(['REGISTRY_URL: is required', 'OWNER_ADDRESS: is required'])
  })

  it.each(['0', '-1', '1.5', '1e3', '10s', '3600001', 'Infinity'])(
    'refuses %s for REGISTRATION_TIMEOUT_MS',
    (text) => {
      expect(problemsOf({ ...REQUIRED, REGISTRATION_TIMEOUT_MS: text })).toEqual([
        'REGISTRATION_TIMEOUT_MS: must be a whole number of milliseconds from 1 to 3600000',
      ])
    },
  )

  it('repeats no value, since it may be a secret in the wrong place', () => {
    const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5'
    for (const name of [
      'REGISTRY_URL',
      'OWNER_ADDRESS',
      'LISTEN_ADDR',
      'DSTACK_URL',
      'LOG_LEVEL',
    ]) {
      expect(problemsOf({ ...REQUIRED, [name]: nsec }).join()).not.toContain(nsec)
    }
  })

  it('takes the token of the VMM, or the file that holds it', () => {
    expect(parseConfig({ ...REQUIRED, DSTACK_TOKEN: 'abc' }).dstackToken).toEqual({
      kind: 'value',
      token: 'abc',
    })
    expect(parseConfig({ ...REQUIRED, DSTACK_TOKEN_FILE: '/run/token' }).dstackToken).toEqual({
      kind: 'file',
      path: '/run/token',
    })
  })

  it('takes no two credentials for the VMM, and says so with all else that is wrong', () => {
    const token = { DSTACK_TOKEN: 'abc', DSTACK_TOKEN_FILE: '/run/token' }
    expect(problemsOf({ ...REQUIRED, ...token, DATA_DIR: undefined, LISTEN_ADDR: 'x' })).toEqual([
      expect.stringMatching(/^LISTEN_ADDR: /),
      'DSTACK_TOKEN_FILE: is set beside DSTACK_TOKEN: take one of the two out',
    ])
    const DSTACK_URL = ' http://user:secret@vmm:1'
    expect(problemsOf({ ...REQUIRED, DSTACK_TOKEN: 'abc', DSTACK_URL })).toEqual([
      'DSTACK_URL: has credentials although there is a token: take one of the two out',
    ])
  })

  it('refuses a token that can be none, without repeating it', () => {
    const [problem = ''] = problemsOf({ ...REQUIRED, DSTACK_TOKEN: 'two words' })
    expect(problem).toMatch(/^DSTACK_TOKEN: must be /)
    expect(problem).not.toContain('words')
  })

  it('reads how many GPUs there should be, and of which model', () => {
    const expected = (EXPECTED_GPUS: string) => parseConfig({ ...REQUIRED, EXPECTED_GPUS }).expected
    expect(expected('8')).toEqual({ count: 8 })
    expect(expected('H200x8')).toEqual({ model: 'H200', count: 8 })
    expect(problemsOf({ ...REQUIRED, EXPECTED_GPUS: 'many' })).toEqual([
      expect.stringMatching(/^EXPECTED_GPUS: must be /),
    ])
  })

  it('reads the address that is told to others, an IPv6 one also in brackets', () => {
    const told = (ADVERTISE_IP: string) => parseConfig({ ...REQUIRED, ADVERTISE_IP }).advertisedIp
    expect(told('203.0.113.7')).toBe('203.0.113.7')
    expect(told('[2001:db8::1]')).toBe('2001:db8::1')
    expect(problemsOf({ ...REQUIRED, ADVERTISE_IP: 'gpu-1.example.com' })).toEqual([
      expect.stringMatching(/^ADVERTISE_IP: must be an IP address/),
    ])
  })

  it('reads where the whitelist is', () => {
    const { whitelist } = parseConfig({ ...REQUIRED, WHITELIST_URL: 'http://list:8082/' })
    expect(whitelist).toEqual({ baseUrl: 'http://list:8082' })
  })
})
