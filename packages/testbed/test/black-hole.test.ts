import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startBlackHole, startSimulatedVmm } from '../src/index.js'
import { ask } from './_request.js'

describe('a black hole', () => {
  it('neither takes nor refuses a connection, and frees its port in the end', async () => {
    const hole = await startBlackHole()
    const socket = connect(hole.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const nothing = delay(300, 'nothing happened')
    expect(await Promise.race([once(socket, 'connect'), nothing])).toBe('nothing happened')
    socket.on('error', () => undefined)
    await hole.close()
    const vmm = await startSimulatedVmm({ listen: { port: hole.port } })
    onTestFinished(() => vmm.close())
    expect((await ask(hole.url, '/prpc/Version')).status).toBe(200)
  })
})
