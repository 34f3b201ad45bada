/** The text of `--help`. */
export function describeProgram(version: string): string {
  return `whitelist-service ${version}
Answers over HTTP whether a Nostr public key is on a list.

  node dist/whitelist.js                 start the service
  node dist/whitelist.js healthcheck     exit 0 if the service on LISTEN_ADDR answers
  node dist/whitelist.js --help | --version

The list, whether or not the service runs; each command has its own --help, and --json for scripts:
  check  KEY…                            exit 0 if all keys are let in, 1 if one is not
  add    KEY… [--label TEXT] [--reason TEXT] [--expires WHEN]
  remove KEY… [--reason TEXT]            takes keys off the list
  ban    KEY… [--reason TEXT]            lets keys in no more, whatever the list says
  unban  KEY… [--reason TEXT]            lifts bans
  list   [--banned]                      prints the keys
  lint                                   explains every doubtful entry; exit 1 if there is one

KEY is npub1…, nprofile1… or 64 hex digits; - reads keys from standard input.

Variables, from the environment or from .env:
  WHITELIST_FILE       the list: {"pubkeys": ["npub1…", "<hex>"]}        [./whitelist.json]
  AUDIT_FILE           each change of the list is a line there           [audit.jsonl beside the list]
  ADMIN_PUBKEYS        keys that may change the list over HTTP (NIP-86), with PUBLIC_URL
  PUBLIC_URL           the URL under which admins reach this service
  TRUSTED_PROXIES      addresses and networks of proxies that may ask /auth, and whose
                       X-Forwarded-For tells the clients of admins apart
  AUTH_HOSTS           hosts whose NIP-98 tokens /auth takes: host[:port] or https://host
  AUTH_PUBKEY_HEADER   header in which those proxies name a key they have verified
  AUTH_PUBKEY_QUERY    parameter in which they name it
  LISTEN_ADDR          host:port, [v6]:port or :port                     [0.0.0.0:8082]
  LOG_LEVEL            trace debug info warn error fatal silent          [info]
  LOG_FORMAT           pretty or json                                    [pretty on a terminal]

SIGHUP reads the list again at once. See README.md.
`
}
