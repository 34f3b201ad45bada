import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { runTool } from '@dstack-node/testbed/test-tools/run-tool'
import { describe, expect, it } from 'vitest'
import { WARNING_CODES } from '../../src/status/node-facts.js'
import { DEPLOY, metricsIn, readDeployed, unknownMetrics } from './_deploy.js'

const RUNBOOK = join(DEPLOY, '../docs/operations.md')
const promtool = findProgram('promtool')
const rules = readDeployed('prometheus-alerts.yaml')
const alerts = rules.split(/^ *- alert: /m).slice(1)

/** The text of a field, also where it goes on over more lines. */
function fieldOf(alert: string, name: string): string | undefined {
  const [, indent = '', text] =
    new RegExp(`^( *)${name}: ((?:.*\n)(?:\\1 +.*\n)*)`, 'm').exec(alert) ?? []
  return text
    ?.replace(/^[>|]-?\s/, '')
    .replaceAll(new RegExp(`^${indent} +`, 'gm'), '')
    .trim()
}

describe('deploy/prometheus-alerts.yaml', () => {
  it.skipIf(promtool === undefined)(
    'is well formed (needs promtool, Debian package prometheus)',
    async () => {
      const file = ['check', 'rules', 'prometheus-alerts.yaml']
      const { code, output } = await runTool(promtool ?? '', file, { cwd: DEPLOY })
      expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')])
    },
  )

  it.skipIf(promtool === undefined)(
    'fires when it should and not before (needs promtool)',
    async () => {
      const file = ['test', 'rules', 'prometheus-alerts.test.yaml']
      const { code, output } = await runTool(promtool ?? '', file, { cwd: DEPLOY })
      expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')])
    },
  )

  it('has a test for each alert', () => {
    const tests = readDeployed('prometheus-alerts.test.yaml')
    for (const alert of alerts) {
      const name = /^\w+/.exec(alert)?.[0] ?? ''
      expect(tests).toMatch(new RegExp(`alertname: ${name}\\n +eval_time: \\w+\\n +exp_alerts:\\n`))
    }
  })

  it('tells of each how bad it is, what is wrong, and where the way out is written', () => {
    expect(alerts.length).toBeGreaterThan(8)
    for (const alert of alerts) {
      expect(fieldOf(alert, 'severity')).toMatch(/^(critical|warning)$/)
      expect(fieldOf(alert, 'summary')).toMatch(/\$labels\.instance|\$value/)
      expect(fieldOf(alert, 'description')).toMatch(/[.?]$/)
      expect(fieldOf(alert, 'runbook')).toMatch(/^'?docs\/operations\.md#/)
    }
  })

  it('finds every warning and every alert in the runbook', () => {
    const headings = [...readFileSync(RUNBOOK, 'utf8').matchAll(/^#+ `?(\w+)`?$/gm)].map(
      ([, name]) => name,
    )
    const places = alerts.map((alert) => /#(\w+)'?$/.exec(fieldOf(alert, 'runbook') ?? '')?.[1])
    const named = places.filter((place) => place !== undefined)
    for (const place of [...WARNING_CODES, ...named]) expect(headings).toContain(place)
  })

  it('asks only for metrics that the services have', async () => {
    const expressions = alerts.map((alert) => fieldOf(alert, 'expr') ?? '')
    for (const expression of expressions) expect(metricsIn(expression)).not.toEqual([])
    expect(await unknownMetrics(expressions)).toEqual([])
  })

  it('has an alert for every warning', () => {
    const others = /dstack_node_warning\{code!~"([^"]+)"\}/.exec(rules)?.[1] ?? ''
    const withTheirOwn = WARNING_CODES.filter((code) => new RegExp(`^(?:${others})$`).test(code))
    expect(withTheirOwn.filter((code) => !code.startsWith('dstack_'))).toEqual([
      'no_gpus',
      'gpus_missing',
      'permission_missing',
      'not_whitelisted',
    ])
    for (const metric of [
      'dstack_vmm_up == 0',
      'dstack_node_warning{code="no_gpus"}',
      'dstack_gpus_expected',
      'dstack_registry_permission == 0',
      'dstack_whitelist_listed == 0',
    ]) {
      expect(rules).toContain(metric)
    }
  })
})
