import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { describe, expect, it } from 'vitest'
import { parseAllowlist } from '../../../src/list/allowlist.js'
import { bytesOf } from '../../_bytes.js'
import { documentOf, openShell } from './_shell.js'

const [plain, named, expired, banned, unknown] = [
  makeKey(),
  makeKey(),
  makeKey(),
  makeKey(),
  makeKey(),
]
const LIST = {
  pubkeys: [plain.npub, named.hex.toUpperCase(), expired.hex, banned.hex],
  meta: {
    [named.hex]: { label: 'the laptop', expires_at: '2999-12-31T18:00:00+02:00' },
    [expired.hex]: { expires_at: 1_700_000_000 },
  },
  banned: { [banned.hex]: { reason: 'sold' } },
}

describe('check', () => {
  it('says of each key whether it is let in, and why', async () => {
    const { run } = await openShell(LIST)
    const keys = [plain.hex, named.nprofile, expired.npub, banned.npub, unknown.hex]
    expect(await run(['check', ...keys])).toEqual({
      code: 1,
      stdout:
        `✓  ${plain.npub}  listed\n` +
        `✓  ${named.npub}  listed      until 2999-12-31T16:00:00Z  the laptop\n` +
        `✗  ${expired.npub}  expired     since 2023-11-14T22:13:20Z\n` +
        `✗  ${banned.npub}  banned      sold\n` +
        `✗  ${unknown.npub}  not listed\n`,
      stderr: '',
    })
  })

  it('ends with 0 where all are let in', async () => {
    const { run } = await openShell(LIST)
    expect((await run(['check', plain.npub, `nostr:${named.npub}`])).code).toBe(0)
  })

  it('says all that as JSON', async () => {
    const { run } = await openShell(LIST)
    const keys = [plain.hex, named.hex, expired.hex, banned.hex]
    const result = await run(['check', '--json', ...keys])
    expect(result).toMatchObject({ code: 1, stderr: '' })
    const { version } = parseAllowlist(bytesOf(JSON.stringify(LIST)))
    const of = ({ hex, npub }: typeof plain) => ({ pubkey: hex, npub })
    expect(documentOf(result)).toEqual({
      allowed: false,
      version,
      results: [
        { ...of(plain), allowed: true, code: 'listed' },
        {
          ...{ ...of(named), allowed: true, code: 'listed', label: 'the laptop' },
          expires_at: '2999-12-31T16:00:00Z',
        },
        { ...of(expired), allowed: false, code: 'expired', expires_at: '2023-11-14T22:13:20Z' },
        { ...of(banned), allowed: false, code: 'banned', reason: 'sold' },
      ],
    })
    expect(documentOf(await run(['check', '--json', plain.hex]))['allowed']).toBe(true)
  })

  it('shows nothing that controls a terminal', async () => {
    const meta = { [plain.hex]: { label: 'a\u001b[31m\nb\u009b' } }
    const { run } = await openShell({ pubkeys: [plain.hex], meta })
    expect((await run(['check', plain.hex])).stdout).toBe(`✓  ${plain.npub}  listed  a [31m b\n`)
    const json = documentOf(await run(['check', plain.hex, '--json']))
    expect(json).toMatchObject({ results: [{ label: 'a [31m b' }] })
  })

  it.each([
    ['that is not there', undefined, 'the file is not there'],
    ['that is no list', '{"pubkeys": [7]}', 'entry 0 (line 1) must be a string; the command lint'],
    ['with a secret key', { pubkeys: [plain.nsec] }, 'entry 0 (line 3) is a SECRET key'],
  ])('ends with 3 for a file %s', async (_what, list, message) => {
    const { run } = await openShell(list)
    const { code, stdout, stderr } = await run(['check', plain.hex, '--json'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('nsec1')
  })
})
