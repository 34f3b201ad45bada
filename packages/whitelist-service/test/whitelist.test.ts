import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { builtFile } from '@dstack-node/testbed/built-program'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { listOf } from './_bytes.js'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { folderWithList, getJson, run, start } from './_program.js'
import { openRaw, readAnswer } from '@dstack-node/testbed/test-tools/raw-http'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'

const ROOT = join(import.meta.dirname, '../../..')
const PATIENCE = { timeout: 30_000, interval: 20 }
const key = makeKey()
/** More than 64 KiB of keys, which is read by a thread of its own. */
const MANY = Array.from({ length: 1200 }, () => randomBytes(32).toString('hex'))

async function untilListed(url: string, pubkeys: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    expect(await getJson(`${url}/api/list`)).toEqual({ pubkeys })
  }, PATIENCE)
}

async function untilDegraded(url: string, reason: RegExp): Promise<void> {
  await vi.waitFor(async () => {
    expect(await getJson(`${url}/health`)).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(reason) as string,
    })
  }, PATIENCE)
}

describe('whitelist.js with an argument', () => {
  it('answers --help and touches nothing', async () => {
    const cwd = await temporaryFolder()
    const { code, output } = await run({ cwd, args: ['--help'] })
    expect(code).toBe(0)
    for (const name of [
      'WHITELIST_FILE',
      'LISTEN_ADDR',
      'LOG_LEVEL',
      'LOG_FORMAT',
      'healthcheck',
    ]) {
      expect(output).toContain(name)
    }
    expect(await readdir(cwd)).toEqual([])
  })

  it('answers --version with the version of the package', async () => {
    const cwd = await temporaryFolder()
    expect(await run({ cwd, args: ['--version'] })).toEqual({
      code: 0,
      output: `${manifest.version}\n`,
    })
  })

  it.each([
    ['--nonsense', 'an option is not known'],
    ['nonsense', 'an argument is not known'],
  ])('refuses %s with exit code 2 and touches nothing', async (arg, message) => {
    const cwd = await temporaryFolder()
    expect(await run({ cwd, args: [arg] })).toEqual({
      code: 2,
      output: `whitelist-service: ${message}; see --help\n`,
    })
    expect(await readdir(cwd)).toEqual([])
  })

  it('tells by healthcheck whether the service answers', async () => {
    const cwd = await folderWithList([])
    const program = start({ cwd })
    const env = { LISTEN_ADDR: new URL(await program.url).host }
    expect(await run({ cwd, env, args: ['healthcheck'] })).toEqual({ code: 0, output: '' })
    await program.stop()
    expect(await run({ cwd, env, args: ['healthcheck'] })).toEqual({ code: 1, output: '' })
  })
})

const CORRECT_IT =
  'whitelist-service: what to do: Correct what is named here, in the environment or in .env (the environment wins); see --help.\n'

describe('whitelist.js with a wrong configuration', () => {
  it('tells all problems at once and creates nothing', async () => {
    const cwd = await temporaryFolder()
    const env = { LISTEN_ADDR: 'hunter2', LOG_LEVEL: 'hunter3', LOG_FORMAT: 'hunter4' }
    expect(await run({ cwd, env })).toEqual({
      code: 1,
      output:
        'whitelist-service: the configuration has 3 problems:\n' +
        '  LISTEN_ADDR: must be host:port, [v6]:port or :port, like 0.0.0.0:8080\n' +
        '  LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent\n' +
        '  LOG_FORMAT: must be one of pretty, json\n' +
        CORRECT_IT,
    })
    expect(await readdir(cwd)).toEqual([])
  })

  it('tells problems that stand in .env', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, '.env'), 'LOG_LEVEL=hunter2\n')
    const { code, output } = await run({ cwd })
    expect(code).toBe(1)
    expect(output).toContain('LOG_LEVEL: must be one of')
    expect(output).not.toContain('hunter2')
    expect(await readdir(cwd)).toEqual(['.env'])
  })

  it('tells that .env is a directory', async () => {
    const cwd = await temporaryFolder()
    await mkdir(join(cwd, '.env'))
    expect(await run({ cwd })).toEqual({
      code: 1,
      output:
        'whitelist-service: the configuration has a problem:\n' +
        "  .env can't be read (EISDIR): make it a readable file\n" +
        CORRECT_IT,
    })
  })

  it('tells in one line that the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const where = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const env = { LISTEN_ADDR: where, LOG_LEVEL: 'silent' }
    expect(await run({ cwd: await folderWithList([]), env })).toEqual({
      code: 1,
      output:
        `whitelist-service: ${where} is already in use: ` +
        'stop the program that listens there, or set another LISTEN_ADDR\n',
    })
  })
})

describe('whitelist.js refuses to start', () => {
  it.each([
    [
      'with a list that is no JSON',
      '{"pubkeys": [\n  "a",\n]}\n',
      'the file is not valid JSON: look at line 3, column 1, and just before it',
    ],
    [
      'with a list of another shape',
      '{"keys": []}',
      '"pubkeys" must be an array of strings, like {"pubkeys": ["npub1…", …]}',
    ],
    [
      'with an entry that is no string',
      '{"pubkeys": [\n  "a",\n  7\n]}',
      'entry 1 (line 3) must be a string',
    ],
    [
      'with a secret key on the list',
      `{"pubkeys": [\n  "${key.npub}",\n  "${key.nsec}"\n]}`,
      'entry 1 (line 3) is a SECRET key: take it out, put its npub1… there instead, and treat the secret as leaked',
    ],
  ])('%s, in one line, and leaves the file as it is', async (_, content, reason) => {
    const cwd = await temporaryFolder()
    const path = join(cwd, 'whitelist.json')
    await writeFile(path, content)
    const before = await stat(path)
    expect(await run({ cwd, env: { LOG_LEVEL: 'trace' } })).toEqual({
      code: 1,
      output: `whitelist-service: ./whitelist.json: ${reason}\n`,
    })
    expect(await readFile(path, 'utf8')).toBe(content)
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs)
    expect(await readdir(cwd)).toEqual(['whitelist.json'])
  })

  it('with a large list that has a secret key, which it never prints', async () => {
    const cwd = await folderWithList([...MANY, key.nsec])
    const { code, output } = await run({ cwd, env: { LOG_LEVEL: 'trace' } })
    expect(code).toBe(1)
    expect(output).toContain('entry 1200 (line 1) is a SECRET key')
    expect(output).not.toContain(key.nsec.slice(5))
  })

  it('with a directory in place of the list', async () => {
    const cwd = await temporaryFolder()
    await mkdir(join(cwd, 'whitelist.json'))
    const { code, output } = await run({ cwd })
    expect(code).toBe(1)
    expect(output).toMatch(/^whitelist-service: \.\/whitelist\.json: it is a directory .*\n$/)
    expect((await stat(join(cwd, 'whitelist.json'))).isDirectory()).toBe(true)
  })

  it('with a list in a folder that is missing', async () => {
    const cwd = await temporaryFolder()
    const { code, output } = await run({ cwd, env: { WHITELIST_FILE: 'missing/list.json' } })
    expect(code).toBe(1)
    expect(output).toMatch(/^whitelist-service: missing\/list\.json: .*\(ENOENT\).*\n$/)
    expect(await readdir(cwd)).toEqual([])
  })
})

describe('whitelist.js runs', () => {
  it('in an empty folder, where it creates the list', async () => {
    const cwd = await temporaryFolder()
    const program = start({ cwd })
    expect(await getJson(`${await program.url}/api/list`)).toEqual({ pubkeys: [] })
    expect(await readFile(join(cwd, 'whitelist.json'), 'utf8')).toBe('{"pubkeys": []}\n')
    expect(program.output()).toContain('"level":"warn"')
  })

  it('from the root of the repository', async () => {
    const WHITELIST_FILE = join(await folderWithList([key.npub]), 'whitelist.json')
    const program = start({ cwd: ROOT, file: 'dist/whitelist.js', env: { WHITELIST_FILE } })
    expect(await getJson(`${await program.url}/api/list`)).toEqual({ pubkeys: [key.npub] })
  })

  it("from the package's own folder", async () => {
    const cwd = join(import.meta.dirname, '..')
    const WHITELIST_FILE = join(await folderWithList([key.npub]), 'whitelist.json')
    const program = start({ cwd, file: 'dist/whitelist.js', env: { WHITELIST_FILE } })
    expect(await getJson(`${await program.url}/api/list`)).toEqual({ pubkeys: [key.npub] })
  })

  it('alone in a folder without node_modules, with a small list and a large one', async () => {
    const cwd = await folderWithList(['a'])
    await copyFile(builtFile('whitelist'), join(cwd, 'program.js'))
    const program = start({ cwd, file: 'program.js', env: { LOG_FORMAT: 'pretty' } })
    const url = await vi.waitFor(() => {
      const found = /listening on (http:\S+)/.exec(program.output())?.[1]
      expect(found).toMatch(/^http:/)
      return found ?? ''
    }, PATIENCE)
    await untilListed(url, ['a'])
    await writeFile(join(cwd, 'whitelist.json'), listOf(MANY))
    await untilListed(url, MANY)
  })

  it('with what .env says, where the environment wins', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'mine.json'), listOf([key.npub]))
    await writeFile(join(cwd, '.env'), 'WHITELIST_FILE=mine.json\nLISTEN_ADDR=nonsense\n')
    const program = start({ cwd })
    expect(await getJson(`${await program.url}/api/list`)).toEqual({ pubkeys: [key.npub] })
    expect((await readdir(cwd)).sort()).toEqual(['.env', 'mine.json'])
  })

  it('twice over one list that is missing', async () => {
    const cwd = await temporaryFolder()
    const urls = await Promise.all([start({ cwd }).url, start({ cwd }).url])
    for (const url of urls) expect(await getJson(`${url}/api/list`)).toEqual({ pubkeys: [] })
    expect(await readdir(cwd)).toEqual(['whitelist.json'])
  })
})

describe('whitelist.js answers', () => {
  it('verdicts, the list, its health and what it is', async () => {
    const url = await start({ cwd: await folderWithList([key.npub]) }).url
    expect(await getJson(`${url}/api/whitelist?pubkey=${key.hex}`)).toEqual({
      is_whitelisted: true,
      pubkey: key.hex,
    })
    expect(await getJson(`${url}/api/list`)).toEqual({ pubkeys: [key.npub] })
    expect(await getJson(`${url}/health`)).toMatchObject({ status: 'ok', keys: 1 })
    expect(await getJson(url)).toMatchObject({ version: manifest.version })
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
  })
})

describe('whitelist.js picks up', () => {
  it.each([
    ['a small list', ['b']],
    ['a large list', MANY],
    ['an empty list', []],
  ])('%s that is written in place', async (_, pubkeys) => {
    const cwd = await folderWithList([key.npub])
    const url = await start({ cwd }).url
    await writeFile(join(cwd, 'whitelist.json'), listOf(pubkeys))
    await untilListed(url, pubkeys)
  })

  it('large lists that are renamed over, one after the other', async () => {
    const cwd = await folderWithList(MANY)
    const url = await start({ cwd }).url
    for (const extra of ['1', '2', '3']) {
      await writeFile(join(cwd, 'new'), listOf([...MANY, extra]))
      await rename(join(cwd, 'new'), join(cwd, 'whitelist.json'))
      await untilListed(url, [...MANY, extra])
    }
  })

  it('an edit at SIGHUP, and goes on', async () => {
    const cwd = await folderWithList([])
    const program = start({ cwd })
    const url = await program.url
    for (const name of ['a', 'b']) {
      await writeFile(join(cwd, 'whitelist.json'), listOf([name]))
      program.child.kill('SIGHUP')
      await untilListed(url, [name])
    }
    expect(program.child.exitCode).toBeNull()
  })

  it.each([
    ['a small list', [key.npub]],
    ['a large list', [...MANY, key.npub]],
  ])('nothing from a bad edit of %s, and says so', async (_, pubkeys) => {
    const cwd = await folderWithList(pubkeys)
    const path = join(cwd, 'whitelist.json')
    const program = start({ cwd })
    const url = await program.url
    const bad = new TextDecoder().decode(listOf(pubkeys)).replace(/.$/, '')
    await writeFile(path, bad)
    await untilDegraded(url, /^\.\/whitelist\.json: the file is not valid JSON: look at line 1/)
    expect(await getJson(`${url}/api/list`)).toEqual({ pubkeys })
    expect(program.output()).toContain('the last good list is still served')
    await unlink(path)
    await untilDegraded(url, /the file is not there/)
    expect(await getJson(`${url}/api/whitelist?pubkey=${key.npub}`)).toMatchObject({
      is_whitelisted: true,
    })
    await writeFile(path, listOf(['b']))
    await untilListed(url, ['b'])
    expect(await getJson(`${url}/health`)).toMatchObject({ status: 'ok' })
  })
})

describe('whitelist.js stops', () => {
  async function startServing() {
    const program = start({ cwd: await folderWithList([key.npub]) })
    return { program, url: await program.url }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'at %s with code 0, idle keep-alive connections notwithstanding',
    async (signal) => {
      const { program, url } = await startServing()
      const { socket, received, closed } = await openRaw(url)
      socket.write('GET /api/list HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
      await vi.waitFor(() => {
        expect(received()).toContain(key.npub)
      }, PATIENCE)
      program.child.kill(signal)
      expect(await program.exited).toEqual({ code: 0, signal: null })
      await closed
    },
  )

  it('with code 0 though a connection never sent a request', async () => {
    const { program, url } = await startServing()
    const { closed } = await openRaw(url)
    await getJson(url)
    program.child.kill('SIGTERM')
    expect(await program.exited).toEqual({ code: 0, signal: null })
    await closed
  })

  it('after it has answered a request whose head was half sent', async () => {
    const { program, url } = await startServing()
    const { socket, closed } = await openRaw(url)
    socket.write('GET /api/list HTTP/1.1\r\nHo')
    // The connections are taken in turn: after this answer the service has the half of the other.
    await getJson(url)
    program.child.kill('SIGTERM')
    await vi.waitFor(() => {
      expect(program.output()).toContain('"msg":"stopping"')
    }, PATIENCE)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    socket.write('st: a\r\n\r\n')
    expect(readAnswer(await closed)).toMatchObject({ status: 200, body: { pubkeys: [key.npub] } })
    expect(await program.exited).toEqual({ code: 0, signal: null })
  })

  it('at once at a second signal', async () => {
    const { program, url } = await startServing()
    await openRaw(url)
    await getJson(url)
    program.child.kill('SIGTERM')
    await vi.waitFor(() => {
      expect(program.output()).toContain('"msg":"stopping"')
    }, PATIENCE)
    program.child.kill('SIGTERM')
    expect(await program.exited).toEqual({ code: 143, signal: null })
    expect(program.output()).not.toContain('"msg":"stopped"')
  })

  it('and leaves the list as it is', async () => {
    const cwd = await folderWithList([key.npub])
    const program = start({ cwd })
    await program.url
    await program.stop()
    expect(await readFile(join(cwd, 'whitelist.json'))).toEqual(Buffer.from(listOf([key.npub])))
    expect(await readdir(cwd)).toEqual(['whitelist.json'])
  })
})

describe('what whitelist.js prints', () => {
  it('is nothing at LOG_LEVEL=silent', async () => {
    const cwd = await temporaryFolder()
    // Below the ports that a system gives away by itself.
    const where = `127.0.0.1:${10_000 + Math.floor(Math.random() * 20_000)}`
    const program = start({ cwd, env: { LOG_LEVEL: 'silent', LISTEN_ADDR: where } })
    await vi.waitFor(async () => {
      expect(await getJson(`http://${where}/health`)).toMatchObject({ status: 'ok' })
    }, PATIENCE)
    await writeFile(join(cwd, 'whitelist.json'), '{')
    await untilDegraded(`http://${where}`, /not valid JSON/)
    await program.stop()
    expect(program.output()).toBe('')
  })

  it('is one JSON object a line where there is no terminal', async () => {
    const program = start({ cwd: await temporaryFolder(), env: { LOG_LEVEL: 'trace' } })
    await getJson(await program.url)
    await program.stop()
    const lines = program.output().trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(
      lines.map(() => 'whitelist-service'),
    )
  })

  it('is a refusal, without the key, when a variable holds a secret key', async () => {
    const cwd = await temporaryFolder()
    const { code, output } = await run({ cwd, env: { WHITELIST_FILE: `/list/${key.nsec}` } })
    expect(code).toBe(1)
    expect(output).toContain('WHITELIST_FILE: holds a SECRET key')
    expect(output).not.toContain(key.nsec.slice(5))
  })

  it('never has a secret key from a query, at any level', async () => {
    const program = start({ cwd: await folderWithList([]), env: { LOG_LEVEL: 'trace' } })
    const url = await program.url
    const paths = ['/api/whitelist?pubkey=', '/api/list?x=', '/nothing/', '/%zz?', '/health#']
    for (const path of paths) {
      const response = await fetch(url + path + key.nsec, { headers: { 'x-key': key.nsec } })
      expect(await response.text()).not.toContain(key.nsec.slice(5))
    }
    const { socket, closed } = await openRaw(url)
    socket.write(`GET /${key.nsec} HTTP/1.1\r\n${key.nsec}\r\n\r\n`)
    expect(await closed).not.toContain(key.nsec.slice(5))
    await program.stop()
    expect(program.output()).toContain('"msg":"answered"')
    expect(program.output()).not.toContain(key.nsec.slice(5))
  })

  it.each([
    ['a small list', []],
    ['a large list', MANY],
  ])('never has a secret key that an edit of %s brought', async (_, others) => {
    const cwd = await folderWithList(others)
    const program = start({ cwd, env: { LOG_LEVEL: 'trace' } })
    const url = await program.url
    await writeFile(join(cwd, 'whitelist.json'), listOf([...others, key.nsec]))
    await untilDegraded(url, /is a SECRET key/)
    expect(await (await fetch(`${url}/health`)).text()).not.toContain(key.nsec.slice(5))
    await program.stop()
    expect(program.output()).toContain('is a SECRET key')
    expect(program.output()).not.toContain(key.nsec.slice(5))
  })
})
