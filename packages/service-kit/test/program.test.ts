import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import * as z from 'zod'
import { parseEnv, type Env } from '../src/env.js'
import {
  runProgram,
  serviceVariables,
  type Program,
  type RunningService,
  type ServiceConfig,
  type StartContext,
} from '../src/program.js'
import { StartError } from '../src/start-error.js'
import { makeHost } from './_host.js'

const schema = z.object(serviceVariables('0.0.0.0:8082'))

function parseConfig(env: Env): ServiceConfig {
  const { LISTEN_ADDR, LOG_LEVEL, LOG_FORMAT } = parseEnv(schema, env)
  return { listen: LISTEN_ADDR, log: { level: LOG_LEVEL, format: LOG_FORMAT } }
}

/** A program whose service is two mocks. */
function makeProgram() {
  const service = {
    url: 'http://127.0.0.1:1',
    reload: vi.fn(),
    close: vi.fn(() => Promise.resolve()),
  }
  const start = vi.fn<(context: StartContext<ServiceConfig>) => Promise<RunningService>>(
    async () => service,
  )
  const program: Program<ServiceConfig> = {
    name: 'test-service',
    version: '1.2.3',
    help: 'how to use it\n',
    parseConfig,
    start,
  }
  return { program, start, service }
}

/** Starts the program and waits until its service runs. */
async function startProgram(env?: Env) {
  const { program, start, service } = makeProgram()
  const { host, exit, written } = await makeHost([], env)
  const code = runProgram(program, host)
  await vi.waitFor(() => {
    expect(start).toHaveBeenCalledTimes(1)
  })
  return { host, exit, written, code, start, service }
}

describe('runProgram with an argument', () => {
  it('answers --help and starts nothing', async () => {
    const { program, start } = makeProgram()
    const { host, written } = await makeHost(['--help'])
    expect(await runProgram(program, host)).toBe(0)
    expect(written).toEqual({ stdout: 'how to use it\n', stderr: '' })
    expect(start).not.toHaveBeenCalled()
  })

  it('answers --version and starts nothing', async () => {
    const { program, start } = makeProgram()
    const { host, written } = await makeHost(['--version'])
    expect(await runProgram(program, host)).toBe(0)
    expect(written).toEqual({ stdout: '1.2.3\n', stderr: '' })
    expect(start).not.toHaveBeenCalled()
  })

  it('answers --help whatever the configuration is', async () => {
    const { program } = makeProgram()
    const { host } = await makeHost(['--help'], { LISTEN_ADDR: 'nonsense' })
    expect(await runProgram(program, host)).toBe(0)
  })

  it('refuses an unknown one with code 2 and does not repeat it', async () => {
    const { program, start } = makeProgram()
    const { host, written } = await makeHost(['--token=hunter2'])
    expect(await runProgram(program, host)).toBe(2)
    expect(written).toEqual({
      stdout: '',
      stderr: 'test-service: an option is not known; see --help\n',
    })
    expect(start).not.toHaveBeenCalled()
  })
})

describe('runProgram healthcheck', () => {
  async function serve(status: number): Promise<string> {
    const server = createServer((_request, response) => response.writeHead(status).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it.each([
    [0, 200],
    [1, 503],
  ])('ends with %i where the service answers %i', async (code, status) => {
    const { program, start } = makeProgram()
    const { host } = await makeHost(['healthcheck'], { LISTEN_ADDR: await serve(status) })
    expect(await runProgram(program, host)).toBe(code)
    expect(start).not.toHaveBeenCalled()
  })
})

describe('runProgram', () => {
  it('refuses a wrong configuration with all its problems, before it starts anything', async () => {
    const { program, start } = makeProgram()
    const { host, written } = await makeHost([], { LISTEN_ADDR: 'hunter2', LOG_FORMAT: 'xml' })
    expect(await runProgram(program, host)).toBe(1)
    expect(written.stderr).toBe(
      'test-service: the configuration has 2 problems:\n' +
        '  LISTEN_ADDR: must be host:port, [v6]:port or :port, like 0.0.0.0:8080\n' +
        '  LOG_FORMAT: must be one of pretty, json\n' +
        'test-service: what to do: Correct what is named here, in the environment or in .env (the environment wins); see --help.\n',
    )
    expect(start).not.toHaveBeenCalled()
  })

  it('speaks of a problem where there is one', async () => {
    const { program } = makeProgram()
    const { host, written } = await makeHost([], { LOG_LEVEL: 'loud' })
    expect(await runProgram(program, host)).toBe(1)
    expect(written.stderr).toContain('the configuration has a problem:\n  LOG_LEVEL: ')
  })

  it('reads .env in the working directory, where the environment wins', async () => {
    const { program, start } = makeProgram()
    const { host, cwd } = await makeHost([], { LISTEN_ADDR: ':1' })
    await writeFile(join(cwd, '.env'), 'LISTEN_ADDR=:2\nLOG_FORMAT=json\n')
    const code = runProgram(program, host)
    await vi.waitFor(() => {
      expect(start).toHaveBeenCalledTimes(1)
    })
    expect(start.mock.calls[0]?.[0].config).toEqual({
      listen: { host: '0.0.0.0', port: 1 },
      log: { level: 'silent', format: 'json' },
    })
    host.emit('SIGTERM')
    expect(await code).toBe(0)
  })

  it('tells why it could not start in one line, without a stack', async () => {
    const { program, start } = makeProgram()
    start.mockRejectedValueOnce(new StartError('the port is taken'))
    const { host, written } = await makeHost()
    expect(await runProgram(program, host)).toBe(1)
    expect(written.stderr).toBe('test-service: the port is taken\n')
  })

  it('ends with what to do, in a line of its own where the reason is not ours', async () => {
    const { program, start } = makeProgram()
    const nextStep = 'Ask its operator.'
    start.mockRejectedValueOnce(new StartError('it says "no"', { nextStep }))
    const { host, written } = await makeHost()
    expect(await runProgram(program, host)).toBe(1)
    expect(written.stderr).toBe(
      'test-service: it says "no"\ntest-service: what to do: Ask its operator.\n',
    )
  })

  it('shows the stack of an error that nobody foresaw, and asks to report it', async () => {
    const { program, start } = makeProgram()
    start.mockRejectedValueOnce(new TypeError('x is not a function'))
    const { host, written } = await makeHost()
    expect(await runProgram(program, host)).toBe(1)
    expect(written.stderr).toMatch(/^test-service: TypeError: x is not a function\n +at /)
    expect(written.stderr).toMatch(/\ntest-service: what to do: This is a defect .*\n$/)
  })

  it.each(['SIGTERM', 'SIGINT'])('closes the service once at %s and ends with 0', async (name) => {
    const { host, code, service, exit } = await startProgram()
    expect(service.close).not.toHaveBeenCalled()
    host.emit(name)
    expect(await code).toBe(0)
    expect(service.close).toHaveBeenCalledTimes(1)
    expect(exit).not.toHaveBeenCalled()
  })

  it('ends at once at a second signal, though the service is still closing', async () => {
    const { host, service, exit } = await startProgram()
    service.close.mockReturnValueOnce(new Promise(() => undefined))
    host.emit('SIGTERM')
    await vi.waitFor(() => {
      expect(service.close).toHaveBeenCalledTimes(1)
    })
    host.emit('SIGTERM')
    expect(exit.mock.calls).toEqual([[143]])
  })

  it('ends with 0 when it is told to stop while it starts', async () => {
    const { program, start } = makeProgram()
    const { host, written } = await makeHost()
    start.mockImplementationOnce(async ({ signal }) => {
      await once(signal, 'abort')
      throw new Error('interrupted')
    })
    const code = runProgram(program, host)
    await vi.waitFor(() => {
      expect(start).toHaveBeenCalledTimes(1)
    })
    host.emit('SIGTERM')
    expect(await code).toBe(0)
    expect(written.stderr).toBe('')
  })

  it('reloads the service at SIGHUP and goes on', async () => {
    const { host, code, service } = await startProgram()
    await vi.waitFor(() => {
      host.emit('SIGHUP')
      expect(service.reload).toHaveBeenCalled()
    })
    expect(service.close).not.toHaveBeenCalled()
    host.emit('SIGTERM')
    expect(await code).toBe(0)
  })

  it('takes SIGHUP before the service runs for nothing', async () => {
    const { program, start, service } = makeProgram()
    const { host } = await makeHost()
    start.mockImplementationOnce(async () => {
      host.emit('SIGHUP')
      host.emit('SIGTERM')
      return service
    })
    expect(await runProgram(program, host)).toBe(0)
    expect(service.reload).not.toHaveBeenCalled()
    expect(service.close).toHaveBeenCalledTimes(1)
  })
})

describe('serviceVariables', () => {
  it("have the service's own address as default", () => {
    expect(parseEnv(schema, {})).toEqual({
      LISTEN_ADDR: { host: '0.0.0.0', port: 8082 },
      LOG_LEVEL: 'info',
    })
  })
})
