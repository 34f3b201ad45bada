import { createLogger, type Logger } from '@dstack-node/service-kit'

/** The logger of the services, which keeps its lines here, those of every level unless told otherwise. */
export async function recordingLog(
  level: 'trace' | 'info' = 'trace',
): Promise<{ log: Logger; lines: string[] }> {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const log = await createLogger('test', { level, format: 'json' }, {}, { write })
  return { log, lines }
}
