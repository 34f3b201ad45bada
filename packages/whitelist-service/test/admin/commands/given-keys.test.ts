import { Readable } from 'node:stream'
import { CommandError, UsageError } from '@dstack-node/service-kit/command-error'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { readGivenKeys } from '../../../src/admin/commands/given-keys.js'

const [one, two] = [makeKey(), makeKey()]

function read(positionals: readonly string[], input = '') {
  return readGivenKeys({ positionals, stdin: () => Readable.from([Buffer.from(input)]) })
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error as Error,
  )
}

describe('readGivenKeys', () => {
  it.each([
    [one.hex, one.hex],
    [one.hex.toUpperCase(), one.hex],
    [`nostr:${one.hex}`, one.hex],
    [one.npub, one.npub],
    [one.npub.toUpperCase(), one.npub],
    [`nostr:${one.npub}`, one.npub],
    [one.nprofile, one.npub],
    [` ${one.nprofile}\n`, one.npub],
  ])('reads %j, to be spelled %s', async (text, spelling) => {
    expect(await read([text])).toEqual([{ pubkey: one.hex, spelling }])
  })

  it('takes each key once, as it was spelled first', async () => {
    expect(await read([two.hex, one.npub, two.npub, one.hex])).toEqual([
      { pubkey: two.hex, spelling: two.hex },
      { pubkey: one.hex, spelling: one.npub },
    ])
  })

  it('reads lines with comments, blanks and any line ends', async () => {
    const input = `\ufeff# machines\r\n\r\n  ${one.npub}  # the first\r\n${two.hex}#\n\n`
    expect(await read(['-', '-'], input)).toEqual([
      { pubkey: one.hex, spelling: one.npub },
      { pubkey: two.hex, spelling: two.hex },
    ])
  })

  it('leaves standard input alone unless it is asked to read it', async () => {
    const stdin = () => expect.fail('was read')
    expect(await readGivenKeys({ positionals: [one.hex], stdin })).toHaveLength(1)
  })

  it.each([
    [[], ''],
    [['-'], ''],
    [['-'], '# nothing\n'],
  ])('wants a key: %j %j', async (args, input) => {
    expect(await errorOf(read(args, input))).toEqual(new UsageError('no key is given'))
  })

  it('tells by its place what is no key, and repeats nothing', async () => {
    const error = await errorOf(read([one.hex, 'hunter2']))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ exitCode: 2 })
    expect(error.message).toMatch(/^key 2: not a Nostr public key: .*; nothing was done$/)
    expect(error.message).not.toContain('hunter2')
  })

  it('tells all that is no key', async () => {
    const error = await errorOf(read(['hunter2', '-'], `${one.hex}\n# x\n${two.nsec}\n`))
    expect(error.message.split('\n')).toEqual([
      '2 keys are no public keys; nothing was done:',
      expect.stringMatching(/^ {2}key 1: not a Nostr public key/),
      expect.stringMatching(/^ {2}line 3 of standard input: this is a SECRET key/),
    ])
    expect(error.message).not.toContain('nsec1')
  })

  it('tells no more of them than fit on a screen', async () => {
    const error = await errorOf(read(['-'], 'x\n'.repeat(1000)))
    expect(error.message.split('\n')).toHaveLength(12)
    expect(error.message).toMatch(/\n {2}and 990 more$/)
  })
})
