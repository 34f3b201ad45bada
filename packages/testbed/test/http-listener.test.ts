import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStaleSocket, startSimulatedVmm, type SimulatedVmm } from '../src/index.js'
import { ask, errorCode } from './_request.js'

let folder: string
let vmm: SimulatedVmm | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'testbed-'))
})
afterEach(async () => {
  await vmm?.close()
  vmm = undefined
  await rm(folder, { recursive: true })
})

describe('on TCP', () => {
  it('comes back at the same port after a restart, without its old connections', async () => {
    vmm = await startSimulatedVmm()
    expect(vmm.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    vmm.behave({ kind: 'hang' })
    const hanging = errorCode(ask(vmm.url, '/prpc/ListGpus'))
    await vmm.received(1)
    const { url } = vmm
    await vmm.restart()
    expect(await hanging).toBe('ECONNRESET')
    expect((await ask(url, '/prpc/Version')).status).toBe(200)
    expect(vmm.url).toBe(url)
  })

  it('refuses connections between stop and start', async () => {
    vmm = await startSimulatedVmm()
    await vmm.stop()
    expect(await errorCode(ask(vmm.url, '/prpc/Version'))).toBe('ECONNREFUSED')
    await vmm.start()
    expect((await ask(vmm.url, '/prpc/Version')).status).toBe(200)
    await vmm.close()
    await vmm.close()
    expect(await errorCode(ask(vmm.url, '/prpc/Version'))).toBe('ECONNREFUSED')
  })

  it('keeps a connection, gives no hint for how long, and can end it', async () => {
    vmm = await startSimulatedVmm()
    const agent = new Agent({ keepAlive: true })
    const free = once(agent, 'free')
    const reply = await ask(vmm.url, '/prpc/Version', { agent })
    const freed = (await free)[0] as Socket
    expect(reply.headers).not.toHaveProperty('keep-alive')
    expect(reply.headers).not.toHaveProperty('connection')
    const closed = once(freed, 'close')
    vmm.closeIdle()
    await closed
    agent.destroy()
  })

  it('fails to start on a port in use', async () => {
    vmm = await startSimulatedVmm()
    const port = Number(new URL(vmm.url).port)
    expect(await errorCode(startSimulatedVmm({ listen: { port } }))).toBe('EADDRINUSE')
  })
})

describe('on a socket', () => {
  it('answers, and removes the file in the end', async () => {
    const socketPath = join(folder, 'vmm.sock')
    vmm = await startSimulatedVmm({ listen: { socketPath } })
    expect(vmm.url).toBe(`unix://${socketPath}`)
    expect((await ask(vmm.url, '/prpc/ListGpus')).status).toBe(200)
    await vmm.close()
    expect(await errorCode(stat(socketPath))).toBe('ENOENT')
    expect(await errorCode(ask(vmm.url, '/prpc/ListGpus'))).toBe('ENOENT')
  })

  it('has a new inode after every restart', async () => {
    const socketPath = join(folder, 'vmm.sock')
    vmm = await startSimulatedVmm({ listen: { socketPath } })
    for (let restarts = 0; restarts < 3; restarts += 1) {
      const before = (await stat(socketPath)).ino
      await vmm.restart()
      expect((await stat(socketPath)).ino).not.toBe(before)
      expect((await ask(vmm.url, '/prpc/ListGpus')).status).toBe(200)
    }
    await vmm.stop()
    await vmm.restart()
    expect((await ask(vmm.url, '/prpc/ListGpus')).status).toBe(200)
  })

  it('takes the place of a stale socket, as the VMM does', async () => {
    const socketPath = join(folder, 'vmm.sock')
    await createStaleSocket(socketPath)
    expect((await stat(socketPath)).isSocket()).toBe(true)
    expect(await errorCode(ask(`unix://${socketPath}`, '/'))).toBe('ECONNREFUSED')
    vmm = await startSimulatedVmm({ listen: { socketPath } })
    expect((await ask(vmm.url, '/prpc/ListGpus')).status).toBe(200)
    expect(await errorCode(startSimulatedVmm({ listen: { socketPath } }))).toBe('EADDRINUSE')
  })

  it('leaves a file alone that is no socket', async () => {
    const socketPath = join(folder, 'file')
    await writeFile(socketPath, 'mine')
    expect(await errorCode(startSimulatedVmm({ listen: { socketPath } }))).toBe('EADDRINUSE')
  })

  it('resets a connection there too', async () => {
    vmm = await startSimulatedVmm({ listen: { socketPath: join(folder, 's') } })
    vmm.behave({ kind: 'reset' })
    expect(await errorCode(ask(vmm.url, '/prpc/ListGpus'))).toBe('ECONNRESET')
  })

  it('refuses a path that would be cut off silently', async () => {
    const socketPath = `/${'ü'.repeat(54)}`
    await expect(startSimulatedVmm({ listen: { socketPath } })).rejects.toThrow('107 bytes')
  })
})
