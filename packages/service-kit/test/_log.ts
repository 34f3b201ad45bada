import { createLogger, type LogConfig, type Logger } from '../src/logger.js'

/** A logger whose lines are kept. */
export interface RecordedLog {
  log: Logger
  lines: string[]
  /** All lines as one text. */
  text: () => string
}

/** A real logger at `trace`, or at another level, that writes to memory. */
export async function recordLog(level: LogConfig['level'] = 'trace'): Promise<RecordedLog> {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const log = await createLogger('test', { level, format: 'json' }, {}, { write })
  return { log, lines, text: () => lines.join('') }
}
