import { isMainThread } from 'node:worker_threads'
import { runProgram, type Program } from '@dstack-node/service-kit/program'
import manifest from '../package.json' with { type: 'json' }
import { commands } from './commands.js'
import { parseConfig, type Config } from './config.js'
import { describeProgram } from './help.js'
import { createThreads, runWorker } from './threads.js'

const { version } = manifest

const program: Program<Config> = {
  name: 'whitelist-service',
  version,
  help: describeProgram(version),
  parseConfig,
  commands,
  // Whoever asks for something else does not wait for the server to be loaded.
  start: async (context) => {
    const { startWhitelist } = await import('./start.js')
    // The built program is one CommonJS file: it is its own worker.
    return startWhitelist(context, { threads: createThreads(__filename), version })
  },
}

if (isMainThread) void runProgram(program, process).then((code) => process.exit(code))
else void runWorker()
