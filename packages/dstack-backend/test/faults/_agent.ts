import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  builtFile,
  startBuiltProgram,
  type BuiltProgram,
  type BuiltProgramOptions,
} from '@dstack-node/testbed/built-program'
import { makeKey, type TestKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { nip19 } from 'nostr-tools'
import { expect, type TestContext } from 'vitest'

export const OWNER = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
export const ADVERTISED_IP = '203.0.113.7'

/** A port of this machine that nobody listens on, nor may. */
export const NOBODY = 'http://127.0.0.1:1'

/** Of tests that run at the same time, each has its own. */
export type Test = Pick<TestContext, 'onTestFinished'>

/** The built agent as a process, with a key and a folder of its own. */
export interface Agent extends Pick<BuiltProgram, 'child' | 'output' | 'exited' | 'url'> {
  key: TestKey
  folder: string
  ask: (path: string, options?: RequestInit) => Promise<Answer>
}

export interface Answer {
  status: number
  headers: Headers
  text: string
}

export interface AgentOptions extends Pick<BuiltProgramOptions, 'uid' | 'through' | 'file'> {
  /** REGISTRY_URL at least. */
  env: Record<string, string>
  /** What must never be seen, beside the key. */
  secrets?: readonly string[]
  /** The working directory. */
  folder?: string
  key?: TestKey
  /** Makes the key file; without it there is one that is as it should be. */
  placeKey?: ((path: string, hex: string) => Promise<unknown>) | undefined
}

/** Starts the agent and does not wait for it. It ends with the test, which fails where a secret was told. */
export async function launchAgent(test: Test, options: AgentOptions): Promise<Agent> {
  const { env, secrets = [], key = makeKey(), folder = await temporaryFolder(), ...rest } = options
  const { placeKey = placeGoodKey(rest.uid), ...runOptions } = rest
  const hex = Buffer.from(nip19.decode(key.nsec as `nsec1${string}`).data).toString('hex')
  await mkdir(join(folder, 'data'), { recursive: true })
  await placeKey(join(folder, 'data', 'key'), hex)
  const program = startBuiltProgram('backend', {
    cwd: folder,
    env: {
      LISTEN_ADDR: '127.0.0.1:0',
      OWNER_ADDRESS: OWNER,
      NODE_TYPE: 'node-H200x1',
      DSTACK_URL: NOBODY,
      ADVERTISE_IP: ADVERTISED_IP,
      LOG_LEVEL: 'trace',
      ...env,
    },
    ...runOptions,
  })
  let heard = ''
  test.onTestFinished(async () => {
    program.child.kill('SIGKILL')
    await program.exited
    const told = program.output() + heard
    for (const secret of secrets) expect(told).not.toContain(secret)
    // Also where the file held it with something more or less, or in another letter case.
    for (const most of [hex.slice(2, 62), key.nsec]) expect(told.toLowerCase()).not.toContain(most)
  })
  const { child, output, exited, url } = program
  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const { status, headers, ...response } = await fetchText((await url) + path, init)
    heard += JSON.stringify([...headers]) + response.text
    return { status, headers, ...response }
  }
  return { key, folder, child, output, exited, url, ask }
}

/** As the agent itself makes it. */
function placeGoodKey(uid?: number) {
  return async (path: string, hex: string) => {
    await writeFile(path, hex, { mode: 0o600 })
    if (uid !== undefined) await chown(path, uid, uid)
  }
}

async function fetchText(url: string, init?: RequestInit) {
  const response = await fetch(url, init)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Starts the agent and waits until it listens. */
export async function startAgent(test: Test, options: AgentOptions): Promise<Agent> {
  const agent = await launchAgent(test, options)
  await agent.url
  return agent
}

const NOBODYS_ID = 65534

/**
 * How to run an agent as somebody who may not do everything, as root may: in a folder and from a copy that
 * they can read. Nothing where this user is not root either.
 */
export async function asNobody(): Promise<Pick<AgentOptions, 'uid' | 'folder' | 'file'>> {
  if (process.getuid?.() !== 0) return {}
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  const file = join(folder, 'backend.js')
  await copyFile(builtFile('backend'), file)
  return { uid: NOBODYS_ID, folder, file }
}

/** How an agent ended that could not start: what it told on stderr, which nothing follows. */
export async function endOf({ exited, output }: Agent) {
  const { code } = await exited
  expect(output()).not.toContain('listening')
  const lines = output().trim().split('\n')
  const first = lines.findIndex((line) => line.startsWith('dstack-backend: '))
  const told = first < 0 ? [] : lines.slice(first)
  return { code, told, reason: told[0] ?? '', nextStep: told.at(-1) ?? '' }
}

/** The lines of the agent's log. */
export function logOf({ output }: Agent): Record<string, unknown>[] {
  // The last one may not be whole yet.
  const lines = output().split('\n').slice(0, -1)
  return lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const PATIENCE_MS = 30_000
const PAUSE_MS = 25

/** Looks again and again until it is so, and tells what was seen last in any case. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  isSo: (seen: T) => boolean,
): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS
  for (;;) {
    const seen = await look()
    if (isSo(seen) || performance.now() > endMs) return seen
    await delay(PAUSE_MS)
  }
}
