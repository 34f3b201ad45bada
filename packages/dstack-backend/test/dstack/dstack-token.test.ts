import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKey } from '@dstack-node/testbed/test-tools/nostr-keys'
import { createGate, createStaleSocket } from '@dstack-node/testbed'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createTokenReader, parseToken } from '../../src/dstack/dstack-token.js'

/** No file of these tests takes so long. */
const LONG_MS = 30_000

describe('parseToken', () => {
  it('takes visible ASCII, as a header may carry it', () => {
    expect(parseToken('aB3-._~+/=!"#')).toBe('aB3-._~+/=!"#')
    expect(parseToken('x'.repeat(4096))).toHaveLength(4096)
  })

  it.each(['', 'two words', 'a\nb', 'a\tb', 'schlüssel', 'a\u0000', 'x'.repeat(4097)])(
    'refuses %j without repeating it',
    (text) => {
      expect(() => parseToken(text)).toThrow(
        /^must be 1 to 4096 visible ASCII characters without a space$/,
      )
    },
  )
})

describe('createTokenReader', () => {
  it('has nothing to send without a source', async () => {
    const reader = createTokenReader({ kind: 'none' })
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: undefined })
    expect(await reader.readAgain(LONG_MS)).toEqual({ ok: true, token: undefined })
  })

  it('hands out the value of a variable', async () => {
    const reader = createTokenReader({ kind: 'value', token: 'abc' })
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'abc' })
    expect(await reader.readAgain(LONG_MS)).toEqual({ ok: true, token: 'abc' })
  })
})

describe('createTokenReader with a file', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    path = join(folder, 'token')
  })

  function read() {
    return createTokenReader({ kind: 'file', path }).read(LONG_MS)
  }

  it.each([
    ['alone', 'abc'],
    ['with a line end', 'abc\n'],
    ['of Windows', '\ufeffabc\r\n'],
    ['with white space around', ' \t\n abc \n\n'],
    ['as long as a token may be', 'x'.repeat(4096)],
  ])('reads a token %s', async (_how, content) => {
    writeFileSync(path, content)
    expect(await read()).toEqual({ ok: true, token: content.trim() })
  })

  it('does not look at the file before it is needed', async () => {
    const reader = createTokenReader({ kind: 'file', path })
    writeFileSync(path, 'abc')
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'abc' })
  })

  it('keeps the token until it is to be read again', async () => {
    writeFileSync(path, 'old')
    const reader = createTokenReader({ kind: 'file', path })
    await reader.read(LONG_MS)
    writeFileSync(path, 'new')
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'old' })
    expect(await reader.readAgain(LONG_MS)).toEqual({ ok: true, token: 'new' })
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'new' })
  })

  it('follows links, as Kubernetes makes them, also to another file', async () => {
    writeFileSync(join(folder, 'first'), 'one')
    writeFileSync(join(folder, 'second'), 'two')
    symlinkSync('first', path)
    const reader = createTokenReader({ kind: 'file', path })
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'one' })
    symlinkSync('second', join(folder, 'next'))
    renameSync(join(folder, 'next'), path)
    expect(await reader.readAgain(LONG_MS)).toEqual({ ok: true, token: 'two' })
  })

  it('tries a file again that could not be read', async () => {
    const reader = createTokenReader({ kind: 'file', path })
    expect(await reader.read(LONG_MS)).toMatchObject({ ok: false })
    writeFileSync(path, 'abc')
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'abc' })
  })

  it('forgets a token whose file is gone when it is read again', async () => {
    writeFileSync(path, 'abc')
    const reader = createTokenReader({ kind: 'file', path })
    await reader.read(LONG_MS)
    rmSync(path)
    expect(await reader.readAgain(LONG_MS)).toMatchObject({ ok: false, problem: 'missing' })
    expect(await reader.read(LONG_MS)).toMatchObject({ ok: false, problem: 'missing' })
  })

  it('tells a file that is not there', async () => {
    expect(await read()).toEqual({ ok: false, problem: 'missing', code: 'ENOENT' })
  })

  it('tells a link that leads nowhere', async () => {
    symlinkSync('nowhere', path)
    expect(await read()).toMatchObject({ ok: false, problem: 'missing' })
  })

  it('tells links that go round', async () => {
    symlinkSync('token', path)
    expect(await read()).toEqual({ ok: false, problem: 'unreadable', code: 'ELOOP' })
  })

  it('tells a folder', async () => {
    mkdirSync(path)
    expect(await read()).toEqual({ ok: false, problem: 'not_a_file' })
  })

  it('tells a FIFO, and does not wait for somebody to write to it', async () => {
    execFileSync('mkfifo', [path])
    expect(await read()).toEqual({ ok: false, problem: 'not_a_file' })
  })

  it('tells a device, and does not read it', async () => {
    path = '/dev/zero'
    expect(await read()).toEqual({ ok: false, problem: 'not_a_file' })
  })

  it('tells a socket', async () => {
    await createStaleSocket(path)
    expect(await read()).toMatchObject({ ok: false, problem: 'not_a_file' })
  })

  it('tells a file of more than 4 KiB', async () => {
    writeFileSync(path, 'x'.repeat(4097))
    expect(await read()).toEqual({ ok: false, problem: 'too_large' })
  })

  it.skipIf(!existsSync('/proc/kallsyms'))(
    'reads no more than it needs of a file whose size says nothing',
    async () => {
      // Node sees 0 bytes there, and there are many more than 4 KiB.
      path = '/proc/kallsyms'
      expect(await read()).toEqual({ ok: false, problem: 'too_large' })
    },
  )

  it.each(['', '\n', '\ufeff \r\n'])('tells a file that is empty: %j', async (content) => {
    writeFileSync(path, content)
    expect(await read()).toEqual({ ok: false, problem: 'empty' })
  })

  it('tells a file that holds something else, and repeats nothing of it', async () => {
    const strange = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => {
      return text.trim() !== '' && !/^[\x21-\x7e]*$/.test(text.trim())
    })
    await fc.assert(
      fc.asyncProperty(strange, async (content) => {
        writeFileSync(path, content)
        expect(await read()).toEqual({ ok: false, problem: 'malformed' })
      }),
      { numRuns: 50 },
    )
  })

  it('never hands out a Nostr secret key', async () => {
    writeFileSync(path, makeKey().nsec)
    expect(await read()).toEqual({ ok: false, problem: 'malformed' })
  })
})

describe('createTokenReader with a file that hangs', () => {
  it('waits no longer than it may, tries once at a time, and recovers', async () => {
    const { until, open } = createGate()
    let reads = 0
    const reader = createTokenReader({ kind: 'file', path: '/mnt/token' }, async () => {
      reads += 1
      await until
      return { ok: true, token: 'abc' }
    })
    const late = { ok: false, problem: 'unreadable', code: 'ETIMEDOUT' }
    expect(await reader.read(1)).toEqual(late)
    expect(await reader.readAgain(1)).toEqual(late)
    expect(reads).toBe(1)
    open()
    expect(await reader.read(LONG_MS)).toEqual({ ok: true, token: 'abc' })
    expect(reads).toBe(1)
  })
})
