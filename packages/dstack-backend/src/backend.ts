import { runProgram, type Program } from '@dstack-node/service-kit'
import manifest from '../package.json' with { type: 'json' }
import { parseConfig, type Config } from './config.js'
import { startBackend } from './start.js'

const { version } = manifest

const help = `dstack-backend ${version}
Registers this machine and tells a message-network worker about its GPUs.

  node dist/backend.js                start the service
  node dist/backend.js healthcheck    exit 0 if the service on LISTEN_ADDR answers
  node dist/backend.js --help | --version

Variables, from the environment or from .env:
  REGISTRY_URL              base URL of the registry                      (required)
  OWNER_ADDRESS             Ethereum address that owns the worker         (required)
  NODE_TYPE                 what the worker registers as                  [node-H100x1]
  DSTACK_URL                DStack VMM: http(s)://… or unix:///path       [http://localhost:19060]
  DSTACK_BACKEND_DSTACK_URL the same, where DSTACK_URL is unset
  DATA_DIR                  the folder that holds the file key            [./data]
  REGISTRATION_TIMEOUT_MS   all tries to register together, in ms         [10000]
  LISTEN_ADDR               host:port, [v6]:port or :port                 [0.0.0.0:8080]
  LOG_LEVEL                 trace debug info warn error fatal silent      [info]
  LOG_FORMAT                pretty or json                                [pretty on a terminal]

It listens only once it is registered. See README.md.
`

const program: Program<Config> = {
  name: 'dstack-backend',
  version,
  help,
  parseConfig,
  start: (context) => startBackend(context, version),
}

void runProgram(program, process).then((code) => process.exit(code))
