import { describe, expect, it } from 'vitest'
import { nip19 } from 'nostr-tools'
import * as z from 'zod'
import { parseEnv } from '../src/env.js'
import { createLogger, logVariables, type LogConfig } from '../src/logger.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { recordLog } from './_log.js'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
const logSchema = z.object(logVariables)

describe('logVariables', () => {
  it('are info and undecided unless told otherwise', () => {
    expect(parseEnv(logSchema, {})).toEqual({ LOG_LEVEL: 'info' })
  })

  it.each([...LEVELS, 'silent'])('know the level %s', (level) => {
    expect(parseEnv(logSchema, { LOG_LEVEL: level }).LOG_LEVEL).toBe(level)
  })

  it.each(['pretty', 'json'])('know the format %s', (format) => {
    expect(parseEnv(logSchema, { LOG_FORMAT: format }).LOG_FORMAT).toBe(format)
  })

  it.each(['INFO', 'warning', '30', 'constructor'])('refuse the level %s', (level) => {
    expect(() => parseEnv(logSchema, { LOG_LEVEL: level })).toThrow('LOG_LEVEL: must be one of')
  })

  it.each(['JSON', 'text'])('refuse the format %s', (format) => {
    expect(() => parseEnv(logSchema, { LOG_FORMAT: format })).toThrow('LOG_FORMAT: must be one of')
  })
})

describe('createLogger', () => {
  it('writes lines of JSON with a level name, an ISO time and the name of the service', async () => {
    const { log, lines } = await recordLog()
    log.info({ keys: 3 }, 'serving')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        name: 'test',
        keys: 3,
        msg: 'serving',
      },
    ])
  })

  it.each(LEVELS)('writes nothing below the level %s', async (level) => {
    const { log, lines } = await recordLog(level)
    for (const each of LEVELS) log[each](each)
    const written = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect(written).toEqual(LEVELS.slice(LEVELS.indexOf(level)))
  })

  it('writes nothing at all at the level silent', async () => {
    const { log, lines } = await recordLog('silent')
    for (const each of LEVELS) log[each](each)
    expect(lines).toEqual([])
  })

  it.each<[string, LogConfig['format'], boolean]>([
    ['where there is no terminal', undefined, false],
    ['on a terminal if told to', 'json', true],
  ])('writes JSON %s', async (_, format, isTTY) => {
    const lines: string[] = []
    const write = (line: string) => void lines.push(line)
    const log = await createLogger('test', { level: 'info', format }, { isTTY }, { write })
    log.info('hello')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['hello'])
  })
})

describe('a secret key in a log line', () => {
  const { nsec, npub } = makeKey()
  const ncryptsec = nip19.encodeBytes('ncryptsec', new Uint8Array(91).fill(9))

  it.each(LEVELS)('is blotted out at the level %s', async (level) => {
    const { log, text } = await recordLog()
    log[level](`got ${nsec} here`)
    expect(text()).toContain('got [secret key] here')
    expect(text()).not.toContain(nsec.slice(5))
  })

  it.each<[string, unknown]>([
    ['a field', { key: nsec }],
    ['a field deep inside', { a: { b: [{ c: { d: nsec } }] } }],
    ['the name of a field', { [nsec]: 1 }],
    ['the message of an error', new Error(`bad key ${nsec}`)],
    ['the cause of an error', new Error('outer', { cause: new Error(nsec) })],
    ['a property of an error', Object.assign(new Error('bad key'), { input: nsec })],
    ['an error in a field', { err: new Error(nsec) }],
    ['a URL', { url: `/api/whitelist?pubkey=${nsec}&x=1` }],
  ])('is blotted out of %s', async (_, value) => {
    const { log, text } = await recordLog()
    log.error(value, 'failed')
    expect(text()).toContain('[secret key]')
    expect(text()).not.toContain(nsec.slice(5))
  })

  it('is blotted out of the lines of a child', async () => {
    const { log, text } = await recordLog()
    log.child({ key: nsec }).info(nsec)
    expect(text()).toContain('[secret key]')
    expect(text()).not.toContain(nsec.slice(5))
  })

  it.each([
    ['upper case', nsec.toUpperCase()],
    ['the encrypted form', ncryptsec],
    ['the encrypted form in upper case', ncryptsec.toUpperCase()],
  ])('is blotted out in %s', async (_, secret) => {
    const { log, text } = await recordLog()
    log.info(secret)
    expect(text()).toContain('"msg":"[secret key]"')
  })

  it('is blotted out every time it occurs', async () => {
    const { log, text } = await recordLog()
    log.info(`${nsec} and ${nsec}`)
    expect(text()).toContain('[secret key] and [secret key]')
  })

  it('leaves public keys readable', async () => {
    const { log, text } = await recordLog()
    log.info(npub)
    expect(text()).toContain(npub)
  })
})
