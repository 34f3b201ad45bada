// Shows both services at work on one machine: `pnpm demo`. The registry and the GPUs are simulated. On a
// fresh clone it installs and builds by itself; Ctrl-C stops everything and leaves nothing behind.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const testbed = join(root, 'packages/testbed/dist/testbed.js')

/** @type {import('node:child_process').ChildProcess[]} */
const running = []
const state = { stopping: false }

/** @param {string[]} args */
function pnpm(...args) {
  execFileSync(join(root, 'scripts/pnpm.sh'), args, { cwd: root, stdio: 'inherit' })
}

/**
 * Starts a program and tells where it listens.
 * @param {string} title
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
async function start(title, args, env = {}) {
  const child = spawn(process.execPath, args, {
    // Not the repository: an .env there is for real services.
    cwd: folder,
    env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', ...env },
    // In a group of its own, so that Ctrl-C reaches this script alone, which stops them in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let output = ''
  /** @type {Promise<string>} */
  const url = new Promise((resolve, reject) => {
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      output = (output + chunk.toString()).slice(-10_000)
      const found = /"url":"([^"]+)"/.exec(output)?.[1]
      if (found) resolve(found)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('exit', () => {
      if (!state.stopping) console.error(`\n${title} ended:\n${output}`)
      reject(new Error(`${title} ended`))
      void stop(1)
    })
  })
  console.log(`  ${title.padEnd(32)} ${await url}`)
  return url
}

/**
 * The usual port, or any free one where it is taken.
 * @param {number} port
 */
async function address(port) {
  const probe = createServer().listen(port, '127.0.0.1')
  try {
    await once(probe, 'listening')
    return `127.0.0.1:${port}`
  } catch {
    return '127.0.0.1:0'
  } finally {
    probe.close()
  }
}

/** @param {number} code */
async function stop(code) {
  if (state.stopping) return
  state.stopping = true
  for (const child of running.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await rm(folder, { recursive: true, force: true })
  console.log('\nEverything is stopped.')
  process.exit(code)
}

const folder = await mkdtemp(join(tmpdir(), 'dstack-demo-'))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(0))

try {
  if (!existsSync(join(root, 'node_modules'))) pnpm('install', '--frozen-lockfile')
  pnpm('build')

  console.log('\nStarting (the registry and the GPUs are simulated, the rest is real):\n')
  const file = join(folder, 'whitelist.json')
  await writeFile(file, '{"pubkeys": []}\n')
  const whitelist = await start('whitelist-service', [join(root, 'dist/whitelist.js')], {
    LISTEN_ADDR: await address(8082),
    WHITELIST_FILE: file,
  })
  const registry = await start('registry (simulated)', [testbed, 'registry'])
  const vmm = await start('DStack VMM, 8 H200 (simulated)', [testbed, 'vmm', '--gpus', 'H200x8'])
  const backend = await start('dstack-backend', [join(root, 'dist/backend.js')], {
    LISTEN_ADDR: await address(8080),
    REGISTRY_URL: registry,
    DSTACK_URL: vmm,
    OWNER_ADDRESS: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    NODE_TYPE: 'node-H200x8',
    DATA_DIR: join(folder, 'data'),
  })
  const about = /** @type {{ npub: string }} */ (await (await fetch(backend)).json())

  console.log(`
Open ${backend} and ${whitelist} in a browser, or ask in another terminal:

  curl ${backend}/health
  curl '${whitelist}/api/whitelist?pubkey=${about.npub}'

The machine is not whitelisted yet. Add it, and ask again:

  echo '{"pubkeys": ["${about.npub}"]}' > ${file}

Ctrl-C stops everything.`)
} catch (error) {
  if (!state.stopping) console.error(error)
  await stop(1)
}
