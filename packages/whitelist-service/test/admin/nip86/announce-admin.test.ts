import { describe, expect, it } from 'vitest'
import { announceAdmin } from '../../../src/admin/nip86/announce-admin.js'
import { recordLog } from '../../_log.js'

async function announce(url: string, admins = ['a', 'b']) {
  const { log, lines } = await recordLog()
  announceAdmin(log, { pubkeys: new Set(admins), publicUrl: new URL(url) })
  return lines()
}

describe('announceAdmin', () => {
  it('tells for how many admins it is on, and where', async () => {
    expect(await announce('https://list.example:8443/admin')).toEqual([
      expect.objectContaining({
        level: 'info',
        admins: 2,
        origin: 'https://list.example:8443',
        msg: 'administration over HTTP is on (NIP-86)',
      }),
    ])
  })

  it.each([
    ...['http://list.example', 'http://203.0.113.7:8082', 'http://[2001:db8::1]/'],
    ...['http://localhost.example', 'http://10.example', 'http://172.32.0.1'],
  ])('warns of %s', async (url) => {
    const [, warning, ...more] = await announce(url)
    expect(more).toEqual([])
    expect(warning).toMatchObject({ level: 'warn', origin: new URL(url).origin })
    expect(warning?.msg).toMatch(/^PUBLIC_URL is http: .* use https$/)
  })

  it.each([
    ...['http://localhost:8082', 'http://127.0.0.1:8082', 'http://127.9.9.9', 'http://[::1]'],
    ...['http://10.1.2.3', 'http://172.16.0.1', 'http://192.168.1.1', 'http://[fd00::1]'],
    ...['http://whitelist:8082', 'http://nas.local', 'http://a.localhost', 'http://169.254.1.1'],
  ])('does not warn of %s', async (url) => {
    expect(await announce(url)).toHaveLength(1)
  })
})
