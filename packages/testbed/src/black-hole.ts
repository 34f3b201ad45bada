import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** A port of 127.0.0.1 where connections never come about, as behind a firewall that drops them. */
export interface BlackHole {
  readonly url: string
  readonly port: number
  /** Frees the port. */
  close: () => Promise<void>
}

/** Listens, and then never gets round to accepting anybody. */
const LISTENER = `
  const { createServer } = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

/** Connections that wait to be accepted come about at once; one that takes so long finds no room. */
const FULL_MS = 500

/** Opens a black hole: a listener whose queue is full, so that the system drops who comes next. */
export async function startBlackHole(): Promise<BlackHole> {
  const worker = new Worker(LISTENER, { eval: true })
  const [port] = (await once(worker, 'message')) as [number]
  const waiting: Socket[] = []
  do {
    const socket = connect(port, '127.0.0.1')
    // In the end they are all refused.
    socket.on('error', () => undefined)
    waiting.push(socket)
  } while (await connects(waiting.at(-1)))
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      for (const socket of waiting) socket.destroy()
      await worker.terminate()
    },
  }
}

function connects(socket: Socket | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FULL_MS, false)
    socket?.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
