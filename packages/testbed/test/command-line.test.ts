import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../src/command-line.js'
import { gpuCards } from '../src/gpu-fixtures.js'

const KEY = '0f'.repeat(32)
const parse = (line: string) => parseCommandLine(line.split(' '))

describe('parseCommandLine', () => {
  it.each([[[]], [['--help']], [['-h']], [['vmm', '--help']], [['registry', '-h']]])(
    'shows the help for %j',
    (args) => {
      expect(parseCommandLine(args)).toEqual({ kind: 'help' })
    },
  )

  it('reads everything about a VMM', () => {
    const line = 'vmm --listen :8000 --gpus H200x8 --version 0.6.0 --token t --behave hang'
    expect(parse(line)).toEqual({
      kind: 'vmm',
      options: {
        listen: { host: '127.0.0.1', port: 8000 },
        gpus: gpuCards('H200', 8),
        version: '0.6.0',
        token: 't',
        behave: { kind: 'hang' },
      },
    })
  })

  it.each([
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:9200', { host: '0.0.0.0', port: 9200 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['unix:/run/vmm.sock', { socketPath: '/run/vmm.sock' }],
    ['unix:///run/vmm.sock', { socketPath: '/run/vmm.sock' }],
  ])('listens on %s', (text, listen) => {
    expect(parse(`vmm --listen ${text}`)).toEqual({ kind: 'vmm', options: { listen } })
  })

  it('reads behaviours as JSON', () => {
    const command = parseCommandLine(['vmm', '--behave', '["reset",{"kind":"raw","status":500}]'])
    expect(command).toMatchObject({
      options: { behave: [{ kind: 'reset' }, { kind: 'raw', status: 500 }] },
    })
  })

  it('reads everything about a registry', () => {
    expect(parse(`registry --prefix /v1 --permit ${KEY} --refuse 403 --permission hang`)).toEqual({
      kind: 'registry',
      permit: [KEY],
      options: {
        host: '127.0.0.1',
        port: 0,
        prefix: '/v1',
        permission: { kind: 'hang' },
        register: {
          kind: 'raw',
          status: 403,
          body: '{"error":"registration refused with 403 on purpose"}',
        },
      },
    })
  })

  it.each([
    ['registri', 'registri'],
    ['vmm --gpu H200x8', '--gpu'],
    ['vmm now', 'now'],
    ['vmm --gpus H300', 'H300'],
    ['vmm --version new', 'new'],
    ['vmm --behave lost', 'lost'],
    ['vmm --behave {', '{'],
    ['vmm --listen 9000', '9000'],
    ['vmm --listen :70000', '70000'],
    ['registry --listen unix:/run/r.sock', 'host:port'],
    ['registry --refuse no', 'no'],
    ['registry --permit npub1', 'hex'],
  ])('refuses "%s" and names the reason', (line, reason) => {
    expect(() => parse(line)).toThrow(reason)
  })
})
