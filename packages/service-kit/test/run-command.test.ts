import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { CommandError, EXIT } from '../src/command-error.js'
import type { Command, CommandContext } from '../src/command.js'
import { ConfigError, type Env } from '../src/env.js'
import { runProgram, type Program, type ServiceConfig } from '../src/program.js'
import { StartError } from '../src/start-error.js'
import { makeHost } from './_host.js'

const CONFIG: ServiceConfig = {
  listen: { host: '127.0.0.1', port: 0 },
  log: { level: 'silent', format: 'json' },
}
const SECRET = `nsec1${'q'.repeat(58)}`

/** A program with the command `paint`, which is a mock. */
function makeProgram() {
  const run = vi.fn<(context: CommandContext) => Promise<number>>(async () => 0)
  const paint: Command = {
    help: 'how to paint\n',
    flags: ['thick'],
    texts: ['colour'],
    run,
  }
  const load = vi.fn(async () => paint)
  const start = vi.fn(async () => ({ url: '', close: async () => undefined }))
  const parseConfig = vi.fn<(env: Env) => ServiceConfig>(() => CONFIG)
  const program = {
    name: 'test-service',
    version: '1.2.3',
    help: 'how to use it\n',
    parseConfig,
    start,
    commands: { paint: load },
  } satisfies Program<ServiceConfig>
  return { program, load, run, start, parseConfig }
}

describe('a command of a program', () => {
  it('gets its arguments, and tells the exit code', async () => {
    const { program, run, start } = makeProgram()
    run.mockResolvedValueOnce(EXIT.no)
    const args = ['paint', 'fence', '--colour', 'red', '--thick', '-', '--', '--wall']
    const { host } = await makeHost(args)
    expect(await runProgram(program, host)).toBe(1)
    expect(run).toHaveBeenCalledTimes(1)
    const { flags, texts, positionals } = run.mock.calls[0]?.[0] ?? expect.fail()
    expect(flags).toEqual(new Set(['thick']))
    expect(texts).toEqual(new Map([['colour', 'red']]))
    expect(positionals).toEqual(['fence', '-', '--wall'])
    expect(start).not.toHaveBeenCalled()
  })

  it('reads standard input and writes to both outputs', async () => {
    const { program, run } = makeProgram()
    run.mockImplementationOnce(async ({ stdin, stdout, stderr }) => {
      for await (const chunk of stdin()) await stdout.write(chunk.toString().toUpperCase())
      await stderr.write('done\n')
      return EXIT.yes
    })
    const { host, written } = await makeHost(['paint'], {}, 'red')
    expect(await runProgram(program, host)).toBe(0)
    expect(written).toEqual({ stdout: 'RED', stderr: 'done\n' })
  })

  it.each(['--help', '-h'])('answers %s whatever the configuration is', async (option) => {
    const { program, run, parseConfig } = makeProgram()
    const { host, written } = await makeHost(['paint', 'fence', option])
    expect(await runProgram(program, host)).toBe(0)
    expect(written).toEqual({ stdout: 'how to paint\n', stderr: '' })
    expect(run).not.toHaveBeenCalled()
    expect(parseConfig).not.toHaveBeenCalled()
  })

  it('is not loaded for anything else', async () => {
    const { program, load } = makeProgram()
    const { host } = await makeHost(['--help'])
    expect(await runProgram(program, host)).toBe(0)
    expect(load).not.toHaveBeenCalled()
  })

  it.each(['sculpt', 'toString', '__proto__', 'constructor', ''])(
    'is not what %j means',
    async (name) => {
      const { program, start } = makeProgram()
      const { host, written } = await makeHost([name])
      expect(await runProgram(program, host)).toBe(2)
      expect(written.stderr).toBe('test-service: an argument is not known; see --help\n')
      expect(start).not.toHaveBeenCalled()
    },
  )

  it.each([
    [['--hunter2'], 'an option is not known'],
    [['-x'], 'an option is not known'],
    [['--colour'], /lacks its value/],
    [['--colour', '--thick'], /lacks its value/],
    [['--thick=hunter2'], /has one that it can't have/],
  ])('refuses the options %j with code 2 and repeats nothing', async (args, message) => {
    const { program, run } = makeProgram()
    const { host, written } = await makeHost(['paint', ...args])
    expect(await runProgram(program, host)).toBe(2)
    expect(written.stdout).toBe('')
    expect(written.stderr).toMatch(message)
    expect(written.stderr).toMatch(/^test-service: .*; see paint --help\n$/)
    expect(written.stderr).not.toContain('hunter2')
    expect(run).not.toHaveBeenCalled()
  })

  it.each([
    [['paint', SECRET]],
    [['paint', `--colour=${SECRET}`]],
    [['paint', `--${SECRET}`]],
    [['paint', '--help', SECRET]],
    [[SECRET]],
  ])('is refused where an argument is a secret key: %#', async (args) => {
    const { program, run } = makeProgram()
    const { host, written } = await makeHost(args)
    expect(await runProgram(program, host)).toBe(2)
    expect(written.stdout).toBe('')
    expect(written.stderr).toMatch(
      /^test-service: an argument holds a SECRET key: treat it as leaked/,
    )
    expect(written.stderr).not.toContain('nsec1')
    expect(run).not.toHaveBeenCalled()
  })

  it.each([
    [
      'a wrong configuration',
      new ConfigError(['COLOUR: is ugly']),
      'problem:\n  COLOUR: is ugly\n',
    ],
    ['a CommandError', new CommandError('the pot is empty'), 'test-service: the pot is empty\n'],
    ['a StartError', new StartError('the pot is shut'), 'test-service: the pot is shut\n'],
    ['a defect', new TypeError('x is not a function'), 'TypeError: x is not a function\n    at '],
  ])('ends with 3 after %s', async (_name, error, message) => {
    const { program, run } = makeProgram()
    run.mockRejectedValueOnce(error)
    const { host, written } = await makeHost(['paint'])
    expect(await runProgram(program, host)).toBe(3)
    expect(written.stdout).toBe('')
    expect(written.stderr).toContain(message)
  })

  it('ends with the code of its CommandError', async () => {
    const { program, run } = makeProgram()
    run.mockRejectedValueOnce(new CommandError('no such colour', EXIT.usage))
    const { host, written } = await makeHost(['paint'])
    expect(await runProgram(program, host)).toBe(2)
    expect(written.stderr).toBe('test-service: no such colour\n')
  })

  it('has a secret key blotted out of its error', async () => {
    const { program, run } = makeProgram()
    run.mockRejectedValueOnce(new Error(SECRET))
    const { host, written } = await makeHost(['paint'])
    expect(await runProgram(program, host)).toBe(3)
    expect(written.stderr).not.toContain('nsec1')
  })

  it('runs whatever the configuration is, with the environment over .env', async () => {
    const { program, run, parseConfig } = makeProgram()
    const { host, cwd } = await makeHost(['paint'], { COLOUR: 'red', SHAPE: ' ' })
    await writeFile(join(cwd, '.env'), 'COLOUR=blue\nSIZE=3\n')
    expect(await runProgram(program, host)).toBe(0)
    const { loadEnv } = run.mock.calls[0]?.[0] ?? expect.fail()
    expect(loadEnv()).toEqual({ COLOUR: 'red', SIZE: '3', LOG_LEVEL: 'silent' })
    expect(parseConfig).not.toHaveBeenCalled()
  })

  it('hears only when it asks that .env can not be read', async () => {
    const { program, run } = makeProgram()
    const { host, cwd, written } = await makeHost(['paint'])
    await mkdir(join(cwd, '.env'))
    expect(await runProgram(program, host)).toBe(0)
    run.mockImplementationOnce(async ({ loadEnv }) => {
      loadEnv()
      return EXIT.yes
    })
    expect(await runProgram(program, host)).toBe(3)
    expect(written.stderr).toContain(".env can't be read (EISDIR)")
  })
})
