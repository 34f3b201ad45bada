import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ConfigError, loadEnv, parseEnv, variable, type Env } from '../src/env.js'
import { parseListenAddress } from '../src/listen-address.js'
import { logVariables } from '../src/logger.js'
import { serviceVariables } from '../src/program.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

async function folderWith(dotenv: string | Uint8Array): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, '.env'), dotenv)
  return folder
}

function problemsOf(action: () => unknown): readonly string[] {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems
  }
  return []
}

describe('loadEnv', () => {
  it('gives the environment where there is no .env', async () => {
    const folder = await temporaryFolder()
    expect(loadEnv({ NAME: 'value' }, folder)).toEqual({ NAME: 'value' })
  })

  it('adds what .env says', async () => {
    const folder = await folderWith('FROM_FILE=file\n')
    expect(loadEnv({ NAME: 'value' }, folder)).toEqual({ NAME: 'value', FROM_FILE: 'file' })
  })

  it('lets the environment win over .env', async () => {
    expect(loadEnv({ NAME: 'environment' }, await folderWith('NAME=file\n'))).toEqual({
      NAME: 'environment',
    })
  })

  it.each(['', ' ', '\t\n'])('falls back to .env where the environment has %j', async (blank) => {
    expect(loadEnv({ NAME: blank }, await folderWith('NAME=file\n'))).toEqual({ NAME: 'file' })
  })

  it('counts blank values as unset, wherever they stand', async () => {
    const folder = await folderWith('A=\nB="  "\nC=\'\'\n')
    expect(loadEnv({ D: '', E: '   ', F: undefined }, folder)).toEqual({})
  })

  it('reads .env as people write it: comments, quotes, export, CRLF', async () => {
    const folder = await folderWith('# why\r\nA=1 # one\r\nexport B="two # 2"\r\nC=\'3\'\r\n')
    expect(loadEnv({}, folder)).toEqual({ A: '1', B: 'two # 2', C: '3' })
  })

  it('reads .env with a byte order mark', async () => {
    expect(loadEnv({}, await folderWith('\ufeffNAME=value\n'))).toEqual({ NAME: 'value' })
  })

  it('reads an empty .env', async () => {
    expect(loadEnv({}, await folderWith(''))).toEqual({})
  })

  it('refuses a .env that is no file', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, '.env'))
    expect(problemsOf(() => loadEnv({}, folder))).toEqual([
      ".env can't be read (EISDIR): make it a readable file",
    ])
  })

  it('reads any .env without an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.uint8Array()), async (content) => {
        const folder = await temporaryFolder()
        await writeFile(join(folder, '.env'), content)
        expect(problemsOf(() => loadEnv({}, folder))).toEqual([])
      }),
      { numRuns: 30 },
    )
  })
})

describe('variable', () => {
  const schema = z.object({ NAME: variable((text) => text) })

  it('gives the parser the text without white space around it', () => {
    expect(parseEnv(schema, { NAME: '  a b \n' })).toEqual({ NAME: 'a b' })
  })

  it('says which variable is required', () => {
    expect(problemsOf(() => parseEnv(schema, {}))).toEqual(['NAME: is required'])
  })

  it("puts the variable's name before what the parser says", () => {
    const refusing = z.object({
      NAME: variable(() => {
        throw new Error('must be something else')
      }),
    })
    expect(problemsOf(() => parseEnv(refusing, { NAME: 'x' }))).toEqual([
      'NAME: must be something else',
    ])
  })
})

describe('parseEnv', () => {
  const schema = z.object({
    REQUIRED: variable((text) => text),
    LISTEN: variable(parseListenAddress),
    ...logVariables,
  })

  it('fills in the defaults', () => {
    expect(parseEnv(schema, { REQUIRED: 'x', LISTEN: ':1' })).toEqual({
      REQUIRED: 'x',
      LISTEN: { host: '0.0.0.0', port: 1 },
      LOG_LEVEL: 'info',
    })
  })

  it('ignores variables that it does not know', () => {
    expect(parseEnv(z.object({}), { HOME: '/root', PATH: '/bin' })).toEqual({})
  })

  it('tells all problems at once, each with its name', () => {
    const problems = problemsOf(() =>
      parseEnv(schema, { LISTEN: 'nonsense', LOG_LEVEL: 'loud', LOG_FORMAT: 'xml' }),
    )
    expect(problems).toEqual([
      'REQUIRED: is required',
      'LISTEN: must be host:port, [v6]:port or :port, like 0.0.0.0:8080',
      'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
      'LOG_FORMAT: must be one of pretty, json',
    ])
  })

  it('repeats no value in any problem', () => {
    // Letters that our own sentences don't have, so that a match can only be a repetition.
    const values = fc.string({
      unit: fc.constantFrom('\u00e9', '\u00fc', '\u4e2d', '@', '#', 'Z', 'Q'),
      minLength: 3,
    })
    const names = ['LISTEN_ADDR', 'LOG_LEVEL', 'LOG_FORMAT']
    fc.assert(
      fc.property(fc.tuple(values, values, values), (texts) => {
        const env: Env = Object.fromEntries(names.map((name, index) => [name, texts[index]]))
        const service = z.object(serviceVariables('0.0.0.0:8082'))
        const problems = problemsOf(() => parseEnv(service, env))
        expect(problems.map((problem) => problem.split(':')[0])).toEqual(names)
        for (const text of texts) expect(problems.join('\n')).not.toContain(text)
      }),
    )
  })

  it('repeats no secret that was pasted into a variable', () => {
    const { nsec } = makeKey()
    const service = z.object(serviceVariables('0.0.0.0:8082'))
    const problems = problemsOf(() =>
      parseEnv(service, { LISTEN_ADDR: nsec, LOG_LEVEL: nsec, LOG_FORMAT: nsec }),
    )
    expect(problems).toHaveLength(3)
    expect(problems.join('\n')).not.toContain(nsec.slice(0, 12))
  })
})

describe('ConfigError', () => {
  it('has one line for each problem', () => {
    expect(new ConfigError(['A: is required', 'B: is required']).message).toBe(
      'A: is required\nB: is required',
    )
  })
})
