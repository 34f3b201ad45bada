import { parseCommand } from './command-line.js'
import { CommandError, EXIT, UsageError } from './command-error.js'
import type { Commands } from './command.js'
import { describeFailure } from './describe-failure.js'
import { loadEnv, variable, type Env } from './env.js'
import { isServing } from './healthcheck.js'
import { aborted, stopSignal } from './lifecycle.js'
import { parseListenAddress, type ListenAddress } from './listen-address.js'
import { createLogger, logVariables, type LogConfig, type Logger } from './logger.js'
import type { ProcessHandle } from './process-handle.js'
import { findCommand, runCommand } from './run-command.js'

/** The part of a configuration that every service has. */
export interface ServiceConfig {
  listen: ListenAddress
  log: LogConfig
}

/** The variables behind a ServiceConfig, `LISTEN_ADDR` with the service's own default. */
export function serviceVariables(defaultListenAddress: string) {
  return {
    LISTEN_ADDR: variable(parseListenAddress).default(parseListenAddress(defaultListenAddress)),
    ...logVariables,
  }
}

/** What a service is given to start with; `signal` fires when it is to stop, even while it starts. */
export interface StartContext<Config> {
  config: Config
  log: Logger
  signal: AbortSignal
}

/** A service that answers requests. */
export interface RunningService {
  /** Where it answers, like `http://0.0.0.0:8080`. */
  url: string
  /** Reads its files again, at SIGHUP. */
  reload?: () => void
  /** Takes no more requests, ends those under way within the grace time, and lets everything go. */
  close: () => Promise<void>
}

/** One of the programs: what it is called, what it reads, and how it starts. */
export interface Program<Config extends ServiceConfig> {
  name: string
  version: string
  /** The text of `--help`. */
  help: string
  /** Throws a ConfigError that names every problem. */
  parseConfig: (env: Env) => Config
  /** Throws a StartError for whatever an operator can mend. */
  start: (context: StartContext<Config>) => Promise<RunningService>
  /** What else it does. */
  commands?: Commands
}

/**
 * Runs a program until it is told to stop, or one of its commands, and tells its exit code. Of a service:
 * 0 after an orderly stop, 1 when it could not start. Of a command: what it tells itself, or 3 when it
 * could not be done. 2 for an argument that the program doesn't know.
 *
 * What went wrong is one plain line on stderr for each problem, whatever the log level is.
 */
export async function runProgram<Config extends ServiceConfig>(
  program: Program<Config>,
  host: ProcessHandle,
): Promise<number> {
  const args = host.argv.slice(2)
  const call = findCommand(program.commands ?? {}, args)
  try {
    if (call) return await runCommand(call, host)
    return await runBuiltIn(program, args, host)
  } catch (error) {
    const help = call ? `${call.name} --help` : '--help'
    host.stderr.write(describeFailure(program.name, error, help))
    if (error instanceof UsageError) return EXIT.usage
    if (error instanceof CommandError) return error.exitCode
    return call ? EXIT.failed : 1
  }
}

async function runBuiltIn<Config extends ServiceConfig>(
  program: Program<Config>,
  args: readonly string[],
  host: ProcessHandle,
): Promise<number> {
  const command = parseCommand(args)
  if (command === 'help') host.stdout.write(program.help)
  if (command === 'version') host.stdout.write(`${program.version}\n`)
  if (command === 'help' || command === 'version') return 0
  const config = program.parseConfig(loadEnv(host.env, host.cwd()))
  if (command === 'healthcheck') return (await isServing(config.listen)) ? 0 : 1
  await serve(program, config, host)
  return 0
}

async function serve<Config extends ServiceConfig>(
  program: Program<Config>,
  config: Config,
  host: ProcessHandle,
): Promise<void> {
  const signal = stopSignal(host, (code) => {
    host.exit(code)
  })
  const log = await createLogger(program.name, config.log, host.stdout)
  // Node ends a process at SIGHUP; a service only reads its files again, whenever it comes.
  let service: RunningService | undefined
  host.on('SIGHUP', () => service?.reload?.())
  try {
    service = await program.start({ config, log, signal })
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  log.info({ url: service.url, version: program.version }, `listening on ${service.url}`)
  await aborted(signal)
  log.info('stopping')
  await service.close()
  log.info('stopped')
}
