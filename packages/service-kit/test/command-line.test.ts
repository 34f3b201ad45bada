import { describe, expect, it } from 'vitest'
import { UsageError } from '../src/command-error.js'
import { parseCommand } from '../src/command-line.js'

describe('parseCommand', () => {
  it.each([
    [[], 'serve'],
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['-V'], 'version'],
    [['healthcheck'], 'healthcheck'],
    [['--help', '--version'], 'help'],
    [['healthcheck', '--help'], 'help'],
  ])('reads %j as %s', (args, command) => {
    expect(parseCommand(args)).toBe(command)
  })

  it.each([['--nonsense'], ['-x'], ['--HELP']])('refuses the option %s', (option) => {
    expect(() => parseCommand([option])).toThrow(new UsageError('an option is not known'))
  })

  it('refuses a value for an option that takes none', () => {
    expect(() => parseCommand(['--help=yes'])).toThrow(/^an option lacks its value, or has one/)
  })

  it.each([[['nonsense']], [['healthcheck', 'twice']], [['']], [['serve']]])(
    'refuses the arguments %j',
    (args) => {
      expect(() => parseCommand(args)).toThrow(new UsageError('an argument is not known'))
    },
  )
})
