import { pino, type DestinationStream, type Logger } from 'pino'
import * as z from 'zod'
import { variable } from './env.js'
import { blotSecretKeys } from './pubkey.js'

export type { Logger } from 'pino'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const FORMATS = ['pretty', 'json'] as const

/** So much of what can't be written is kept for later, as on a disk that is full for a while. */
const MAX_UNWRITTEN_BYTES = 1024 * 1024

/** How a service logs; `format` is undefined where it depends on the terminal. */
export interface LogConfig {
  level: (typeof LEVELS)[number]
  format: (typeof FORMATS)[number] | undefined
}

/** The variables that `logConfig` reads. */
export const logVariables = {
  LOG_LEVEL: variable(oneOf(LEVELS)).default('info'),
  LOG_FORMAT: z.optional(variable(oneOf(FORMATS))),
}

/**
 * Makes the logger of a service. Without a format it writes for people on a terminal and JSON elsewhere.
 *
 * A secret key in its `nsec1…` or `ncryptsec1…` form is blotted out of every line, whoever wrote it.
 */
export async function createLogger(
  name: string,
  { level, format }: LogConfig,
  stdout: { isTTY?: boolean },
  destination?: DestinationStream,
): Promise<Logger> {
  const chosen = format ?? (stdout.isTTY ? 'pretty' : 'json')
  const stream = chosen === 'pretty' ? await prettyStream(stdout.isTTY === true) : destination
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: blotSecretKeys },
    },
    stream ?? stdoutStream(),
  )
}

/** A log that nobody can write or reads any more ends no service. */
function stdoutStream(): DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true, maxLength: MAX_UNWRITTEN_BYTES })
  stream.on('error', () => undefined)
  return stream
}

async function prettyStream(colorize: boolean): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ colorize, sync: true, ignore: 'name', translateTime: 'SYS:HH:MM:ss.l' })
}

function oneOf<const T extends string>(allowed: readonly T[]) {
  return (text: string): T => {
    const found = allowed.find((candidate) => candidate === text)
    if (found === undefined) throw new Error(`must be one of ${allowed.join(', ')}`)
    return found
  }
}
