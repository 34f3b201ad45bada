import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { READABLE_BY_ANYONE, registerCors } from './cors.js'
import { errorCode } from './error-code.js'
import {
  answerClientError,
  answerError,
  HttpError,
  refuseConnection,
  sendError,
} from './http-error.js'
import { STOP_GRACE_MS } from './lifecycle.js'
import { formatListenAddress, type ListenAddress } from './listen-address.js'
import type { Logger } from './logger.js'
import { answerNotFound } from './not-found.js'
import { endStalledConnections } from './stalled-connections.js'
import { StartError } from './start-error.js'

const LIMITS = {
  bodyBytes: 64 * 1024,
  headerBytes: 16 * 1024,
  /** Longer than any public key that is looked at, so that the route itself can say what is wrong. */
  parameterLength: 16 * 1024,
  /** For the head and for the whole request; checked once a `checkMs`. */
  requestMs: 10_000,
  checkMs: 2_000,
  keepAliveMs: 72_000,
  connections: 16_384,
}

/** How often connections that became idle are looked for while the server closes. */
const SWEEP_MS = 50

interface HttpServerOptions {
  /** All that its routes will answer. */
  methods?: readonly string[]
  /** The URL by which the route is found, for those that Fastify would refuse to take apart. */
  routeUrl?: (url: string) => string
}

/**
 * A Fastify that opens no port: CORS, bounded requests, and one JSON shape for everything that goes
 * wrong, `{statusCode, code, error, message}`. No log line and no error repeats a URL, since a query may
 * hold a secret.
 */
export function buildHttpServer(
  log: Logger,
  { methods = ['GET', 'HEAD'], routeUrl = (url) => url }: HttpServerOptions = {},
): FastifyInstance {
  const app = Fastify({
    // Its own lines repeat URLs and addresses, and with a logger it watches each answer until it is out.
    logger: false,
    // Nothing here has a JSON schema: zod reads what comes from outside. Without this, each start would
    // load Fastify's two compilers for them.
    schemaController: {
      compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
    },
    // A request that arrives while the server closes is under way: it is answered like any other.
    return503OnClosing: false,
    bodyLimit: LIMITS.bodyBytes,
    rewriteUrl: ({ url = '/' }) => routeUrl(url),
    routerOptions: { maxParamLength: LIMITS.parameterLength },
    requestTimeout: LIMITS.requestMs,
    keepAliveTimeout: LIMITS.keepAliveMs,
    http: {
      // Node would refuse its absence with an empty answer; nothing here depends on the name.
      requireHostHeader: false,
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.requestMs,
      connectionsCheckingInterval: LIMITS.checkMs,
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => {
      reply.header(...READABLE_BY_ANYONE)
      sendError(reply, error.statusCode ?? 400)
    },
  })
  app.server.maxConnections = LIMITS.connections
  endStalledConnections(app.server)
  // Node's own answers to these two have no body.
  app.server.on('checkExpectation', ({ socket }) => {
    refuseConnection(socket, 417)
  })
  app.server.on('connect', (_request, socket) => {
    refuseConnection(socket, 405)
  })
  app.setErrorHandler((error, _request, reply) => {
    answerError(log, error, reply)
  })
  answerNotFound(app, methods)
  if (log.isLevelEnabled('debug')) {
    app.addHook('onResponse', (request, reply, done) => {
      logResponse(log, request, reply)
      done()
    })
  }
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJsonBody)
  // Whether the process answers, for probes: it touches nothing that could be slow or fail.
  app.get('/livez', async () => ({ status: 'ok' }))
  registerCors(app, methods)
  return app
}

/** Fastify's own parser tells what is wrong in the words of JSON.parse, which repeat the body. */
function parseJsonBody(
  _request: FastifyRequest,
  body: string | Buffer,
  done: (error: Error | null, body?: unknown) => void,
): void {
  try {
    done(null, JSON.parse(body.toString()))
  } catch {
    done(new HttpError(400, 'invalid_body', 'the body is not valid JSON'))
  }
}

function noSchemas(): never {
  throw new Error('routes have no JSON schemas')
}

/**
 * Opens the port and tells the URL under which the server answers.
 *
 * Throws a StartError when the address is taken or not to be had; the server is closed then.
 */
export async function listen(app: FastifyInstance, address: ListenAddress): Promise<string> {
  try {
    await app.listen({ ...address })
  } catch (error) {
    await app.close()
    throw new StartError(describeListenError(address, errorCode(error)))
  }
  const bound = app.server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : address.port
  return `http://${formatListenAddress({ host: address.host, port })}`
}

/**
 * Takes no more requests, lets those under way finish within the grace time, and ends idle and
 * lingering connections.
 */
export async function closeHttpServer(app: FastifyInstance): Promise<void> {
  const force = setTimeout(() => {
    app.server.closeAllConnections()
  }, STOP_GRACE_MS)
  // Node closes the idle connections once; those that become idle later would linger.
  const sweep = setInterval(() => {
    app.server.closeIdleConnections()
  }, SWEEP_MS)
  await app.close()
  clearTimeout(force)
  clearInterval(sweep)
}

function describeListenError(address: ListenAddress, code: string): string {
  const where = formatListenAddress(address)
  if (code === 'EADDRINUSE') {
    return `${where} is already in use: stop the program that listens there, or set another LISTEN_ADDR`
  }
  if (code === 'EACCES') return `${where} needs more rights: set LISTEN_ADDR to a port above 1023`
  return `can't listen on ${where} (${code}): set LISTEN_ADDR to an address of this machine`
}

function logResponse(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  log.debug(
    {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      statusCode: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    },
    'answered',
  )
}
