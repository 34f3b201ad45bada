import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { expect, it, onTestFinished } from 'vitest'
import { folderWithList, getJson, start } from './_program.js'

const CONNECTIONS = 10_000
/** So many at a time, that the queue of connections to be accepted never overflows. */
const AT_ONCE = 200

/** Connections that never say anything; they end with the test. */
async function openIdle(port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  while (sockets.length < CONNECTIONS) {
    const more = Array.from({ length: AT_ONCE }, () => connect(port, '127.0.0.1'))
    for (const socket of more) socket.on('error', () => undefined)
    sockets.push(...more)
    await Promise.all(more.map((socket) => once(socket, 'connect')))
  }
  return sockets
}

async function residentBytes(pid = 0): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

it('answers beside 10,000 idle connections, in little memory, and still ends when it is told to', async () => {
  const key = makeKey()
  const program = start({ cwd: await folderWithList([key.npub]) })
  const url = await program.url
  await getJson(`${url}/health`)
  const before = await residentBytes(program.child.pid)
  await openIdle(Number(new URL(url).port))
  expect(await getJson(`${url}/api/check/${key.hex}`)).toMatchObject({ allowed: true })
  const each = ((await residentBytes(program.child.pid)) - before) / CONNECTIONS
  expect(each).toBeLessThan(16 * 1024)
  await program.stop()
  expect(await program.exited).toEqual({ code: 0, signal: null })
})
