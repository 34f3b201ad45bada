import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CommandError } from '../src/command-error.js'
import { createOutput } from '../src/output.js'

/** A stream whose writing fails. */
function failWith(code: string): Writable {
  const error = Object.assign(new Error('hunter2'), { code })
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done(error)
    },
  })
}

describe('createOutput', () => {
  it('tells whether it is a terminal', () => {
    const stream = new PassThrough()
    expect(createOutput(stream).isTerminal).toBe(false)
    expect(createOutput(Object.assign(stream, { isTTY: true })).isTerminal).toBe(true)
  })

  it('waits for a reader that is slow', async () => {
    const pending: (() => void)[] = []
    const stream = new Writable({ write: (_chunk, _encoding, done) => pending.push(done) })
    let arrived = false
    const written = createOutput(stream)
      .write('text')
      .then((isRead) => (arrived = isRead))
    await setImmediate()
    expect(arrived).toBe(false)
    pending[0]?.()
    expect(await written).toBe(true)
  })

  it('tells that its reader has gone, and goes on to', async () => {
    const output = createOutput(failWith('EPIPE'))
    expect(await output.write('a')).toBe(false)
    expect(await output.write('b')).toBe(false)
  })

  it('survives a connection that its reader closes', async () => {
    const server = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const output = createOutput(socket)
    await once(socket, 'close')
    expect(await output.write('a').catch(() => false)).toBe(false)
  })

  it.each([['ENOSPC'], ['EBADF']])('fails with %s', async (code) => {
    const output = createOutput(failWith(code))
    await expect(output.write('a')).rejects.toThrow(
      new CommandError(`the output can't be written (${code})`),
    )
  })

  it('fails where the stream throws', async () => {
    const write = () => {
      throw Object.assign(new Error(), { code: 'EBADF' })
    }
    const output = createOutput({ write, on: () => undefined })
    await expect(output.write('a')).rejects.toThrow(CommandError)
  })
})
