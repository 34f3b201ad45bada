import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { rename, rm } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { Certificate } from './certificate.js'
import { hasStaleSocket } from './stale-socket.js'

/** Where to listen: a TCP port (0 picks a free one) or a Unix socket. */
export type ListenAddress = { host?: string; port?: number } | { socketPath: string }

/** A listening server that can go away and come back at the same address. */
export interface HttpListener {
  readonly url: string
  /** Listens again at the address it had; a socket gets a new inode. */
  start: () => Promise<void>
  /** Ends every connection at once and stops listening. */
  stop: () => Promise<void>
  /** Both of these, one after the other. */
  restart: () => Promise<void>
  /** Ends the connections on which no request is running. */
  closeIdle: () => void
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

// sun_path, without its terminating zero. Node truncates a longer path silently.
const MAX_SOCKET_PATH_BYTES = 107
// What the VMM does, and a sensible value for anything else.
const KEEP_ALIVE_MS = 10_000

/** Starts listening, over TLS where there is a certificate, and resolves once connections are accepted. */
export async function startHttpListener(
  handler: RequestHandler,
  address: ListenAddress = {},
  tls?: Certificate,
): Promise<HttpListener> {
  if ('socketPath' in address) checkSocketPath(address.socketPath)
  const sockets = new Set<Socket>()
  let server = await listen(handler, sockets, address, tls)
  const bound = boundAddress(server, address)
  let listening = true

  async function start(): Promise<void> {
    if (listening) return
    server = await listen(handler, sockets, bound, tls)
    listening = true
  }
  async function stop(): Promise<void> {
    if (!listening) return
    listening = false
    await endServer(server, sockets)
  }
  async function restart(): Promise<void> {
    // A freed inode number is handed out again at once, so the old one is kept meanwhile.
    const aside = listening && 'socketPath' in bound ? await moveAside(bound.socketPath) : undefined
    await stop()
    await start()
    if (aside !== undefined) await rm(aside)
  }
  function closeIdle(): void {
    server.closeIdleConnections()
  }
  return { url: addressUrl(bound, tls ? 'https' : 'http'), start, stop, restart, closeIdle }
}

async function moveAside(path: string): Promise<string> {
  const aside = `${path}~`
  await rename(path, aside)
  return aside
}

async function listen(
  handler: RequestHandler,
  sockets: Set<Socket>,
  address: ListenAddress,
  tls: Certificate | undefined,
) {
  const server = createFor(tls, (request, response) => {
    // A client that went away in the middle is what some tests are about.
    response.on('error', () => undefined)
    // The real VMM gives no hint of its keep-alive: clients learn it from a closed connection.
    response.removeHeader('connection')
    handler(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  if ('socketPath' in address && (await hasStaleSocket(address.socketPath))) {
    await rm(address.socketPath)
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if ('socketPath' in address) server.listen(address.socketPath, resolve)
    else server.listen(address.port ?? 0, address.host ?? '127.0.0.1', resolve)
  })
  return server
}

function createFor(
  tls: Certificate | undefined,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server | TlsServer {
  const options = { keepAliveTimeout: KEEP_ALIVE_MS }
  return tls ? createTlsServer({ ...options, ...tls }, answer) : createServer(options, answer)
}

function boundAddress(server: Server | TlsServer, asked: ListenAddress): ListenAddress {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return asked
  return { host: bound.address, port: bound.port }
}

function addressUrl(address: ListenAddress, scheme: 'http' | 'https'): string {
  if ('socketPath' in address) return `unix://${address.socketPath}`
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : (address.host ?? '127.0.0.1')
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port ?? 0}`
}

function endServer(server: Server | TlsServer, sockets: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    for (const socket of sockets) socket.destroy()
  })
}

function checkSocketPath(path: string): void {
  if (!isAbsolute(path)) throw new RangeError(`a socket path must be absolute: ${path}`)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new RangeError(`a socket path has at most ${MAX_SOCKET_PATH_BYTES} bytes: ${path}`)
  }
}
