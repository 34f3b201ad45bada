import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBuiltProgram } from '@dstack-node/testbed/built-program'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { makeServer } from '../_server.js'

/** The folder of what operators take for their own systems. */
export const DEPLOY = join(import.meta.dirname, '../../../../deploy')

export function readDeployed(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8')
}

/** Every family that a scrape of one of the two services has, with a series or without one just now. */
export async function exposedMetrics(): Promise<Set<string>> {
  const { app } = await makeServer()
  const text = (await app.inject('/metrics')).body + (await scrapeWhitelist())
  return new Set(Array.from(text.matchAll(/^# TYPE (\w+) /gm), ([, name = '']) => name))
}

/** As a process: the services don't import each other. */
async function scrapeWhitelist(): Promise<string> {
  const cwd = await temporaryFolder()
  const program = startBuiltProgram('whitelist', { cwd, env: { LISTEN_ADDR: '127.0.0.1:0' } })
  try {
    return await (await fetch(`${await program.url}/metrics`)).text()
  } finally {
    await program.stop()
  }
}

/** The names of series in a PromQL expression. */
export function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(
    /"[^"]*"|\{[^}]*\}|\[[^\]]*\]|(by|on|ignoring) \([^)]*\)/g,
    ' ',
  )
  return [...bare.matchAll(/\b[a-z]+_\w+\b|\bup\b/g)].map(([name]) => name)
}

/** Prometheus makes this one itself, for each target. */
export const MADE_BY_PROMETHEUS = 'up'

const FUNCTIONS = ['label_values']

/** Those of these expressions that no scrape would have. */
export async function unknownMetrics(expressions: readonly string[]): Promise<string[]> {
  const known = new Set([...(await exposedMetrics()), MADE_BY_PROMETHEUS, ...FUNCTIONS])
  return expressions.flatMap(metricsIn).filter((name) => !known.has(name))
}
