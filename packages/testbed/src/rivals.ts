import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { gpuCards } from './gpu-fixtures.js'

const ANSWER = { is_whitelisted: true, pubkey: 'a'.repeat(64) }

/** As large as what `/health` answers on a machine with eight GPUs. */
const HEALTH = {
  version: '1.0.0',
  topic: 'dstack-gpu-monitor',
  pubkeys: ['a'.repeat(64)],
  status: 'Available',
  metadata: JSON.stringify({ gpu_count: 8, gpus: gpuCards('H200', 8), allow_attach_all: true }),
  ip_address: '10.0.0.7',
}

/**
 * Runs, in one process, a bare Fastify and a bare `node:http` server that answer fixed objects, and the
 * built program that is named on the command line. Tells the rivals' URLs in one line; the program tells
 * its own.
 */
async function main([program = '']: string[]): Promise<void> {
  const fastify = Fastify()
  fastify.get('/api/check', async () => ANSWER)
  fastify.get('/health', async () => HEALTH)
  await fastify.listen({ port: 0, host: '127.0.0.1' })
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(ANSWER))
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const rivals = { fastify: urlOf(fastify.server), http: urlOf(http) }
  process.stdout.write(`${JSON.stringify({ rivals })}\n`)
  process.argv = [process.argv0, program]
  createRequire(program)(program)
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

void main(process.argv.slice(2))
