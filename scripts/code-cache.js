// Compiling a megabyte of JavaScript is most of what a start costs. So a built program carries, beside
// its source, what V8 compiled when the program was run once during the build. V8 itself checks that the
// cache fits: where another version of Node runs the file, it compiles the source as usual.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * V8 checks that the cache was made with the same flags. The first: undici's HTTP parser is WebAssembly,
 * and optimising it would take 9 MB for a handful of short answers. The second lets the whitelist give
 * back the memory of a list that was replaced.
 */
const V8_FLAGS = '--liftoff-only --expose-gc'

const recorder = join(import.meta.dirname, 'record-code-cache.js')
const KEY = '0'.repeat(64)
const PATHS = ['/', '/health', '/api/list', `/api/whitelist?pubkey=${KEY}`, `/api/check/${KEY}`]

/**
 * The program `code` (CommonJS) as a file that starts from V8's code cache.
 * @param {string} code
 */
export async function withCodeCache(code) {
  // The function is the one that Node puts around every CommonJS module.
  const source = `(function (exports, require, module, __filename, __dirname) {${code}\n})`
  const cache = await recordStart(source)
  return `#!/usr/bin/env node
'use strict'
const { Script } = require('node:vm')
require('node:v8').setFlagsFromString('${V8_FLAGS}')
const script = new Script(${JSON.stringify(source)}, {
  filename: __filename,
  cachedData: Buffer.from('${cache.toString('base64')}', 'base64'),
})
script.runInThisContext()(exports, require, module, __filename, __dirname)
`
}

/**
 * Runs the program as a service in an empty folder, asks it for everything once, and takes the cache.
 * @param {string} source
 */
async function recordStart(source) {
  const folder = await mkdtemp(join(tmpdir(), 'code-cache-'))
  const outside = createServer(answerAsOutside).listen(0, '127.0.0.1')
  try {
    await once(outside, 'listening')
    const program = join(folder, 'program.js')
    const cache = join(folder, 'cache')
    await writeFile(program, source)
    const { port } = /** @type {import('node:net').AddressInfo} */ (outside.address())
    const child = fork(recorder, [program, cache, V8_FLAGS], {
      cwd: folder,
      env: recordingEnv(`http://127.0.0.1:${port}`),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    try {
      const url = await urlOf(child)
      for (const path of PATHS) await fetch(url + path)
      child.send('done')
      await once(child, 'exit')
    } finally {
      child.kill('SIGKILL')
    }
    return await readFile(cache)
  } finally {
    outside.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param {string} outsideUrl */
function recordingEnv(outsideUrl) {
  return {
    LISTEN_ADDR: '127.0.0.1:0',
    REGISTRY_URL: outsideUrl,
    DSTACK_URL: outsideUrl,
    OWNER_ADDRESS: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  }
}

/**
 * The registry and the DStack VMM, as far as one start goes: a worker that is not known yet, no GPU.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function answerAsOutside(request, response) {
  request.resume()
  response.statusCode = request.url?.startsWith('/permissions') ? 404 : 200
  response.end('{"gpus":[]}')
}

/** @param {import('node:child_process').ChildProcess} child */
async function urlOf(child) {
  if (!child.stdout) throw new Error('the program has no output')
  for await (const line of createInterface(child.stdout)) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1]
    if (url) return url
  }
  throw new Error('the program ended before it listened')
}
