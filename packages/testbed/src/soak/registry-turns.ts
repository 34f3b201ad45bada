import type { RegistryBehaviour } from '../simulated-registry.js'

/** Everything that a registry gets wrong when it is asked for a permission, with good answers between. */
export const REGISTRY_TURNS: readonly RegistryBehaviour[] = [
  { kind: 'ok' },
  { kind: 'raw', status: 500, body: '{"error":"database"}' },
  { kind: 'ok' },
  { kind: 'hang' },
  { kind: 'reset' },
  { kind: 'ok' },
  { kind: 'raw', body: '<html>' },
  { kind: 'raw', status: 404 },
  { kind: 'huge' },
  { kind: 'ok' },
  { kind: 'drip' },
  { kind: 'raw', status: 429, headers: { 'retry-after': '5' } },
  { kind: 'short' },
  { kind: 'raw', status: 302, headers: { location: '/' } },
]
