import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { runTool } from '@dstack-node/testbed/test-tools/run-tool'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { metricsIn, readDeployed, unknownMetrics } from './_deploy.js'

interface Panel {
  id: number
  type: string
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  datasource?: { uid: string }
  targets?: { refId: string; expr: string; datasource: { uid: string } }[]
}

interface Variable {
  name: string
  type: string
  definition?: string
}

const promtool = findProgram('promtool')
const dashboard = JSON.parse(readDeployed('grafana-dashboard.json')) as {
  uid: string
  title: string
  schemaVersion: number
  templating: { list: Variable[] }
  panels: Panel[]
}
const targets = dashboard.panels.flatMap(({ targets = [] }) => targets)
const expressions = targets.map(({ expr }) => expr)

describe('deploy/grafana-dashboard.json', () => {
  it('can be imported: it has a name and asks for its data source', () => {
    expect(dashboard).toMatchObject({ uid: 'dstack-node', title: 'DStack node services' })
    const [first] = dashboard.templating.list
    expect(first).toMatchObject({ name: 'datasource', type: 'datasource' })
    expect(dashboard).not.toHaveProperty('id')
    for (const { datasource } of [...dashboard.panels, ...targets]) {
      if (datasource) expect(datasource.uid).toBe('${datasource}')
    }
  })

  it('has panels with numbers of their own, each with something in it', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { type, title, targets } of dashboard.panels) {
      expect(title).not.toBe('')
      if (type !== 'row') expect(targets?.length).toBeGreaterThan(0)
    }
  })

  it('lays no panel over another', () => {
    const places = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )
    expect(new Set(places).size).toBe(places.length)
    expect(places.every((place) => Number(place.split(',')[0]) < 24)).toBe(true)
  })

  it('shows only metrics that the services have', async () => {
    const questions = dashboard.templating.list.map(({ definition = 'up' }) => definition)
    for (const expression of expressions) expect(metricsIn(expression)).not.toEqual([])
    expect(await unknownMetrics([...expressions, ...questions])).toEqual([])
  })

  it('uses only variables that it has', () => {
    const own = dashboard.templating.list.map(({ name }) => name)
    const used = [...expressions.join('\n').matchAll(/\$\{?(\w+)/g)].map(([, name]) => name)
    for (const name of used) expect([...own, '__rate_interval']).toContain(name)
  })

  it.skipIf(promtool === undefined)('asks in PromQL (needs promtool)', async () => {
    const rules = expressions.map((expression, index) => ({
      record: `panel:${index}`,
      expr: expression.replaceAll('$__rate_interval', '5m'),
    }))
    const folder = await temporaryFolder()
    // JSON is YAML too.
    const text = JSON.stringify({ groups: [{ name: 'panels', rules }] })
    await writeFile(join(folder, 'panels.yaml'), text)
    const check = ['check', 'rules', '--lint=none', 'panels.yaml']
    const { code, output } = await runTool(promtool ?? '', check, { cwd: folder })
    expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')])
  })
})
