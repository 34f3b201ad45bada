/** The text of `--help`. */
export function describeProgram(version: string): string {
  return `dstack-backend ${version}
Registers this machine and tells a message-network worker about its GPUs.

  node dist/backend.js                start the service
  node dist/backend.js healthcheck    exit 0 if the service on LISTEN_ADDR answers
  node dist/backend.js --help | --version

Each of these has its own --help, and --json for scripts:
  check                     walks through all that is needed, and says what is missing; it changes
                            nothing, and may be run at any time; exit 1 if something is wrong
  pubkey [--create]         prints the public key of this machine

Variables, from the environment or from .env:
  REGISTRY_URL              base URL of the registry                      (required)
  OWNER_ADDRESS             Ethereum address that owns the worker         (required)
  NODE_TYPE                 what the worker registers as; auto: what the VMM shows [node-H100x1]
  EXPECTED_GPUS             the GPUs there should be: 8, H200x8           [what NODE_TYPE says]
  DSTACK_URL                DStack VMM: http(s)://… or unix:///path       [http://localhost:19060]
  DSTACK_BACKEND_DSTACK_URL the same, where DSTACK_URL is unset
  DSTACK_TOKEN              the VMM's token, if it asks for one
  DSTACK_TOKEN_FILE         a file that holds it, in place of DSTACK_TOKEN
  WHITELIST_URL             whitelist service that is asked about this machine's key
  ADVERTISE_IP              the address that is told to others            [the one it sends from]
  DATA_DIR                  the folder that holds the file key            [./data]
  REGISTRATION_TIMEOUT_MS   all tries to register together, in ms         [10000]
  LISTEN_ADDR               host:port, [v6]:port or :port                 [0.0.0.0:8080]
  LOG_LEVEL                 trace debug info warn error fatal silent      [info]
  LOG_FORMAT                pretty or json                                [pretty on a terminal]

It listens only once it is registered. See README.md.
`
}
