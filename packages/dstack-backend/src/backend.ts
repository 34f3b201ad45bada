import { runProgram, type Program } from '@dstack-node/service-kit/program'
import manifest from '../package.json' with { type: 'json' }
import { commands } from './commands.js'
import { parseConfig, type Config } from './config.js'
import { describeProgram } from './help.js'

const { version } = manifest

const program: Program<Config> = {
  name: 'dstack-backend',
  version,
  help: describeProgram(version),
  parseConfig,
  commands,
  // Whoever asks for something else does not wait for the server to be loaded.
  start: async (context) => {
    const { startBackend } = await import('./start.js')
    return startBackend(context, version)
  },
}

void runProgram(program, process).then((code) => process.exit(code))
