import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { StartError, type RunningService } from '@dstack-node/service-kit'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { changeAllowlist } from '../src/admin/change-allowlist.js'
import { readAllowlist, type ReadAllowlist } from '../src/list/allowlist-reader.js'
import { parseConfig } from '../src/config.js'
import { formatList } from '../src/list/list-format.js'
import { startWhitelist } from '../src/start.js'
import type { Threads } from '../src/threads.js'
import { listOf } from './_bytes.js'
import { recordLog } from './_log.js'
import { admin, bodyOf, MEDIA_TYPE, PUBLIC_URL, tokenFor } from './routes/_admin.js'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

interface StartOptions {
  port?: number
  read?: ReadAllowlist
  env?: Record<string, string>
}

async function start(
  whitelistFile: string,
  { port = 0, read = readAllowlist, env = {} }: StartOptions = {},
): Promise<RunningService> {
  const { log } = await recordLog()
  const config = {
    ...parseConfig({ WHITELIST_FILE: whitelistFile, LOG_LEVEL: 'silent', ...env }),
    listen: { host: '127.0.0.1', port },
  }
  const signal = new AbortController().signal
  const threads: Threads = {
    read,
    format: async (...args) => formatList(...args),
    change: changeAllowlist,
  }
  return startWhitelist({ config, log, signal }, { threads, version: '1.2.3' })
}

async function listIn(folder: string, pubkeys: string[]): Promise<string> {
  const path = join(folder, 'whitelist.json')
  await writeFile(path, listOf(pubkeys))
  return path
}

describe('startWhitelist', () => {
  it('serves the list until it is closed', async () => {
    const service = await start(await listIn(await temporaryFolder(), ['a']))
    expect(await (await fetch(`${service.url}/api/list`)).json()).toEqual({ pubkeys: ['a'] })
    await service.close()
    await expect(fetch(service.url)).rejects.toThrow('fetch failed')
  })

  it('lets admins change the list where it is told who they are', async () => {
    const path = await listIn(await temporaryFolder(), [])
    const auditFile = `${path}.audit`
    const env = { ADMIN_PUBKEYS: admin, PUBLIC_URL, AUDIT_FILE: auditFile }
    const service = await start(path, { env })
    onTestFinished(() => service.close())
    const body = bodyOf('allowpubkey', [admin])
    const createdAt = Math.floor(Date.now() / 1000)
    const headers = { authorization: tokenFor(body, { createdAt }), 'content-type': MEDIA_TYPE }
    const response = await fetch(service.url, { method: 'POST', headers, body })
    expect(await response.json()).toEqual({ result: true })
    expect((await fetch(`${service.url}/api/check/${admin}`)).status).toBe(200)
    expect(await readFile(auditFile, 'utf8')).toContain(`"who":"${admin}"`)
  })

  it('reads the list again when it is told to', async () => {
    const read = vi.fn(readAllowlist)
    const service = await start(await listIn(await temporaryFolder(), ['a']), { read })
    const before = read.mock.calls.length
    service.reload?.()
    await service.close()
    expect(read.mock.calls.length).toBeGreaterThan(before)
  })

  it('opens no port where the list is unusable', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    onTestFinished(() => void server.close())
    const path = await listIn(await temporaryFolder(), [])
    await writeFile(path, '{')
    // The port is taken: had it been asked for, that would be the error.
    await expect(start(path, { port })).rejects.toThrow(/not valid JSON/)
    expect(await readFile(path, 'utf8')).toBe('{')
  })

  it('lets everything go where the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    onTestFinished(() => void server.close())
    const folder = await temporaryFolder()
    const path = await listIn(folder, ['a'])
    await expect(start(path, { port })).rejects.toThrow(StartError)
    await expect(start(path, { port })).rejects.toThrow(`127.0.0.1:${port} is already in use`)
    expect(await readdir(folder)).toEqual(['whitelist.json'])
  })
})
