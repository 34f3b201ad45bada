import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '@dstack-node/testbed/test-tools/find-program'
import { runTool } from '@dstack-node/testbed/test-tools/run-tool'
import { temporaryFolder } from '@dstack-node/testbed/test-tools/temporary-folder'
import { describe, expect, it } from 'vitest'
import { readDeployed } from './_deploy.js'

const analyze = findProgram('systemd-analyze')

/** The last value of each directive. */
function directivesOf(unit: string): Record<string, string> {
  const lines = readDeployed(`systemd/${unit}`).matchAll(/^([A-Z]\w+)=(.*)$/gm)
  return Object.fromEntries(Array.from(lines, ([, name = '', value = '']) => [name, value]))
}

/** Gives the unit to systemd-analyze, with a Node that is there: verifying looks for the program. */
async function analyzeUnit(unit: string, ...args: string[]) {
  const path = join(await temporaryFolder(), unit)
  const text = readDeployed(`systemd/${unit}`).replace('/usr/bin/node', process.execPath)
  await writeFile(path, text)
  return runTool(analyze ?? '', [...args, path])
}

const BOTH = {
  Type: 'exec',
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  RestrictNamespaces: 'yes',
  SystemCallFilter: '@system-service',
  // It comes back by itself, for ever, and not in a hurry.
  Restart: 'on-failure',
  StartLimitIntervalSec: '0',
  // Longer than the 5 s that the service takes at most.
  TimeoutStopSec: '10',
  WantedBy: 'multi-user.target',
}

const UNITS = {
  'dstack-backend.service': {
    ...BOTH,
    ExecStart: '/usr/bin/node /opt/dstack-node/backend.js',
    User: 'dstack-node',
    StateDirectory: 'dstack-backend',
    StateDirectoryMode: '0700',
    UMask: '0077',
    WorkingDirectory: '/var/lib/dstack-backend',
    EnvironmentFile: '/etc/dstack-node/backend.env',
    RestartSec: '10',
    RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  },
  'whitelist-service.service': {
    ...BOTH,
    ExecStart: '/usr/bin/node /opt/dstack-node/whitelist.js',
    ExecReload: '/bin/kill -HUP $MAINPID',
    User: 'whitelist-service',
    StateDirectory: 'whitelist-service',
    WorkingDirectory: '/var/lib/whitelist-service',
    // It may be missing.
    EnvironmentFile: '-/etc/dstack-node/whitelist.env',
    RestartSec: '5',
  },
}

describe.each(Object.entries(UNITS))('deploy/systemd/%s', (unit, expected) => {
  it('starts, stops and restarts the service as it needs, with few rights', () => {
    expect(directivesOf(unit)).toMatchObject(expected)
  })

  it('does not forbid V8 to compile, and expects no word from it', () => {
    const names = Object.keys(directivesOf(unit))
    expect(names).not.toContain('MemoryDenyWriteExecute')
    expect(names).not.toContain('WatchdogSec')
  })

  it.skipIf(analyze === undefined)(
    'is known to systemd in every word (needs systemd)',
    async () => {
      const { code, output } = await analyzeUnit(unit, 'verify', '--man=no')
      // It may have something to say of other units of this machine.
      expect([code, output.split('\n').filter((line) => line.includes(unit))]).toEqual([0, []])
    },
  )

  it.skipIf(analyze === undefined)('is exposed little, says systemd', async () => {
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager']
    const { code, output } = await analyzeUnit(unit, ...args)
    expect([code, output]).toEqual([0, expect.stringContaining('OK')])
  })
})

describe('deploy/systemd/whitelist-service.service', () => {
  it('sees the processes of others, one of which may have locked the list', () => {
    expect(Object.keys(directivesOf('whitelist-service.service'))).not.toContain('ProtectProc')
  })
})
