import { createLogger, type Logger } from '@dstack-node/service-kit'

/** A logger whose lines are kept. */
export interface RecordedLog {
  log: Logger
  lines: () => LogLine[]
}

export interface LogLine {
  level: string
  msg: string
  [field: string]: unknown
}

export type LogLevel = Parameters<typeof createLogger>[1]['level']

/** A real logger that writes to memory. */
export async function recordLog(level: LogLevel = 'trace'): Promise<RecordedLog> {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const log = await createLogger('test', { level, format: 'json' }, {}, { write })
  return { log, lines: () => lines.map((line) => JSON.parse(line) as LogLine) }
}
