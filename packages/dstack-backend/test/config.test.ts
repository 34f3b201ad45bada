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
      dstack: { baseUrl: 'http://localhost:19060' },
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
})
