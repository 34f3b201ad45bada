import { isMainThread } from 'node:worker_threads'
import { runProgram, type Program } from '@dstack-node/service-kit'
import manifest from '../package.json' with { type: 'json' }
import { offThreadReader, runWorker } from './allowlist-worker.js'
import { parseConfig, type Config } from './config.js'
import { startWhitelist } from './start.js'

const { version } = manifest

const help = `whitelist-service ${version}
Answers over HTTP whether a Nostr public key is on a list.

  node dist/whitelist.js                start the service
  node dist/whitelist.js healthcheck    exit 0 if the service on LISTEN_ADDR answers
  node dist/whitelist.js --help | --version

Variables, from the environment or from .env:
  WHITELIST_FILE   the list: {"pubkeys": ["npub1…", "<hex>"]}    [./whitelist.json]
  LISTEN_ADDR      host:port, [v6]:port or :port                 [0.0.0.0:8082]
  LOG_LEVEL        trace debug info warn error fatal silent      [info]
  LOG_FORMAT       pretty or json                                [pretty on a terminal]

SIGHUP reads the list again at once. See README.md.
`

const program: Program<Config> = {
  name: 'whitelist-service',
  version,
  help,
  parseConfig,
  // The built program is one CommonJS file: it is its own worker.
  start: (context) => startWhitelist(context, { read: offThreadReader(__filename), version }),
}

if (isMainThread) void runProgram(program, process).then((code) => process.exit(code))
else void runWorker()
