import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  startSimulatedRegistry,
  startSimulatedVmm,
  type SimulatedRegistry,
  type SimulatedVmm,
  type SimulatedVmmOptions,
} from '@dstack-node/testbed'
import { makeKey, type TestKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { onTestFinished } from 'vitest'
import { openShell, type Shell } from './_shell.js'

export const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

/** A machine where all is well, and all that is around it. */
export interface Machine extends Shell {
  key: TestKey
  vmm: SimulatedVmm
  registry: SimulatedRegistry
  whitelistUrl: string
  /** What the whitelist answers to whatever it is asked; a hanging one to nothing. */
  answerWhitelist: (answer: { status: number; body: string } | 'hang') => void
  env: Record<string, string>
}

export async function openMachine(vmmOptions: SimulatedVmmOptions = {}): Promise<Machine> {
  const [shell, vmm, registry, whitelist] = await Promise.all([
    openShell(),
    startSimulatedVmm(vmmOptions),
    startSimulatedRegistry(),
    startWhitelist(),
  ])
  onTestFinished(() => Promise.all([vmm.close(), registry.close()]).then(() => undefined))
  const key = makeKey()
  registry.permit(key.hex)
  await mkdir(join(shell.folder, 'data'))
  await writeFile(join(shell.folder, 'data', 'key'), key.nsec, { mode: 0o600 })
  const env = {
    REGISTRY_URL: registry.url,
    OWNER_ADDRESS: OWNER,
    NODE_TYPE: 'node-H200x1',
    DSTACK_URL: vmm.url,
    WHITELIST_URL: whitelist.url,
    ADVERTISE_IP: '203.0.113.7',
  }
  return { ...shell, key, vmm, registry, env, ...whitelist, whitelistUrl: whitelist.url }
}

/** A whitelist service that lists everybody, until it is told otherwise. */
async function startWhitelist() {
  let answer: { status: number; body: string } | 'hang' = { status: 200, body: '{"code":"listed"}' }
  const server = createServer((request, response) => {
    request.resume()
    if (answer === 'hang') return
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    answerWhitelist: (next: typeof answer) => void (answer = next),
  }
}
