import { Gauge, type Registry } from '@dstack-node/service-kit/metrics'
import type { AllowlistState } from './allowlist-file.js'

/** What the metrics tell of the list itself; read when they are asked for. */
export function observeList(registry: Registry, state: () => AllowlistState): void {
  const gauge = (name: string, help: string, read: (state: AllowlistState) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(state()))
      },
    })
  gauge('whitelist_keys', 'Valid keys on the list, each once.', (s) => s.allowlist.keys.size)
  gauge('whitelist_banned_keys', 'Keys that are banned.', (s) => s.allowlist.banned.size)
  gauge(
    'whitelist_entries',
    'Entries in the file, of whatever kind.',
    (s) => s.allowlist.entryCount,
  )
  gauge('whitelist_invalid_entries', 'Entries that are no key.', (s) => s.allowlist.otherCount)
  gauge('whitelist_file_ok', 'Whether the list served is the file on disk: 1 or 0.', (s) =>
    s.problem === undefined ? 1 : 0,
  )
  gauge('whitelist_loaded_timestamp_seconds', 'When the list was loaded.', (s) =>
    Math.floor(s.loadedAt.getTime() / 1000),
  )
}
