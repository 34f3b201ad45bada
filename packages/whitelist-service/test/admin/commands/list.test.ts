import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { documentOf, openShell } from './_shell.js'

const [plain, named, expired, banned] = [makeKey(), makeKey(), makeKey(), makeKey()]
const LIST = {
  pubkeys: [plain.npub, named.hex, expired.hex, plain.hex, banned.hex],
  meta: {
    [named.hex]: { label: 'the laptop', reason: 'moved', expires_at: '2999-12-31T00:00:00Z' },
    [expired.hex]: { expires_at: 1_700_000_000 },
  },
  banned: { [banned.hex]: { reason: 'sold' } },
}

describe('list', () => {
  it('prints each key once, in the order of the file', async () => {
    const { run } = await openShell(LIST)
    const wide = (text: string) => text.padEnd(63)
    expect(await run(['list'])).toEqual({
      code: 0,
      stdout:
        `${wide('NPUB')}  STATE    EXPIRES               LABEL\n` +
        `${plain.npub}  listed   -\n` +
        `${named.npub}  listed   2999-12-31T00:00:00Z  the laptop\n` +
        `${expired.npub}  expired  2023-11-14T22:13:20Z\n`,
      stderr: '',
    })
  })

  it('prints the banned keys', async () => {
    const { run } = await openShell(LIST)
    expect((await run(['list', '--banned'])).stdout).toBe(
      `${'NPUB'.padEnd(63)}  REASON\n${banned.npub}  sold\n`,
    )
  })

  it('prints JSON', async () => {
    const { run } = await openShell(LIST)
    const version = expect.stringMatching(/^[0-9a-f]{16}$/) as string
    expect(documentOf(await run(['list', '--json']))).toEqual({
      version,
      count: 3,
      keys: [
        { pubkey: plain.hex, npub: plain.npub, state: 'listed' },
        {
          ...{ pubkey: named.hex, npub: named.npub, state: 'listed' },
          ...{ label: 'the laptop', reason: 'moved', expires_at: '2999-12-31T00:00:00Z' },
        },
        {
          ...{ pubkey: expired.hex, npub: expired.npub, state: 'expired' },
          expires_at: '2023-11-14T22:13:20Z',
        },
      ],
    })
    expect(documentOf(await run(['list', '--banned', '--json']))).toEqual({
      version,
      count: 1,
      banned: [{ pubkey: banned.hex, npub: banned.npub, reason: 'sold' }],
    })
  })

  it('says that there is nothing on it', async () => {
    const { run } = await openShell({ pubkeys: ['x', ''] })
    expect(await run(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no key is on the list\n2 more entries are no valid keys: see lint\n',
    })
    expect(await run(['list', '--banned'])).toMatchObject({
      stdout: '',
      stderr: 'no key is banned\n',
    })
    expect(documentOf(await run(['list', '--json']))).toMatchObject({ count: 0, keys: [] })
  })

  it('wants no arguments', async () => {
    const { run } = await openShell(LIST)
    expect(await run(['list', plain.hex])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'whitelist-service: an argument is not known; see list --help\n',
    })
  })

  it('ends with 3 where there is no list', async () => {
    const { run } = await openShell()
    expect(await run(['list'])).toMatchObject({ code: 3, stdout: '' })
  })
})
