import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { errorCode, isSecretKey } from '@dstack-node/service-kit'

/** Where the VMM's token comes from. */
export type TokenSource =
  { kind: 'none' } | { kind: 'value'; token: string } | { kind: 'file'; path: string }

/** Why a file gives no token. */
export type TokenProblem =
  'missing' | 'unreadable' | 'not_a_file' | 'too_large' | 'empty' | 'malformed'

/** A token, undefined where there is none to send, or why there should be one and is not. */
export type TokenReading =
  { ok: true; token: string | undefined } | { ok: false; problem: TokenProblem; code?: string }

/** Hands out the token, within so many milliseconds. Never rejects. */
export interface TokenReader {
  /** The token as it was read last; its file is read where that has not been done, or failed. */
  read: (withinMs: number) => Promise<TokenReading>
  /** The token as its file has it now. */
  readAgain: (withinMs: number) => Promise<TokenReading>
}

const MAX_FILE_BYTES = 4096
const PROBLEMS: Record<string, TokenProblem> = {
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  // Of a socket.
  ENXIO: 'not_a_file',
}

/** Reads a token that stands in a variable. Throws an Error, which does not repeat it, when it can be none. */
export function parseToken(text: string): string {
  if (!/^[\x21-\x7e]{1,4096}$/.test(text)) {
    throw new Error('must be 1 to 4096 visible ASCII characters without a space')
  }
  return text
}

/** A reader of the token, which does nothing until it is asked. */
export function createTokenReader(
  source: TokenSource,
  readFile: (path: string) => Promise<TokenReading> = readTokenFile,
): TokenReader {
  if (source.kind !== 'file') {
    const token = source.kind === 'value' ? source.token : undefined
    const read = async (): Promise<TokenReading> => ({ ok: true, token })
    return { read, readAgain: read }
  }
  const { path } = source
  let latest: TokenReading | undefined
  let running: Promise<TokenReading> | undefined

  async function load(): Promise<TokenReading> {
    latest = await readFile(path)
    running = undefined
    return latest
  }
  // One at a time: where a network's file system hangs, each try holds a thread of the process.
  const readAgain = (withinMs: number) => orTooLate((running ??= load()), withinMs)
  return {
    read: async (withinMs) => (latest?.ok === true ? latest : readAgain(withinMs)),
    readAgain,
  }
}

async function orTooLate(reading: Promise<TokenReading>, withinMs: number): Promise<TokenReading> {
  const tooLate: TokenReading = { ok: false, problem: 'unreadable', code: 'ETIMEDOUT' }
  const inTime = new AbortController()
  try {
    const { signal } = inTime
    return await Promise.race([reading, delay(withinMs, tooLate, { signal, ref: false })])
  } finally {
    inTime.abort()
  }
}

async function readTokenFile(path: string): Promise<TokenReading> {
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      if (!(await file.stat()).isFile()) return { ok: false, problem: 'not_a_file' }
      return parseTokenFile(await readStart(file, MAX_FILE_BYTES + 1))
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = errorCode(error)
    return { ok: false, problem: PROBLEMS[code] ?? 'unreadable', code }
  }
}

/** At most `limit` bytes; what the system says of a size may be wrong a moment later. */
async function readStart(file: FileHandle, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  const stream = file.createReadStream({ autoClose: false, end: limit - 1 })
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function parseTokenFile(bytes: Buffer): TokenReading {
  if (bytes.length > MAX_FILE_BYTES) return { ok: false, problem: 'too_large' }
  // A BOM is white space to trim too.
  const text = bytes.toString('utf8').trim()
  if (text === '') return { ok: false, problem: 'empty' }
  // Never to be sent to anybody, though it would pass for a token.
  if (isSecretKey(text)) return { ok: false, problem: 'malformed' }
  try {
    return { ok: true, token: parseToken(text) }
  } catch {
    return { ok: false, problem: 'malformed' }
  }
}
