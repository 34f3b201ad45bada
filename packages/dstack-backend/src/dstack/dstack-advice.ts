import type { GpuReading } from './dstack-answer.js'
import type { TokenProblem, TokenSource } from './dstack-token.js'
import type { Endpoint } from '../requests/endpoint.js'

type Failure = GpuReading & { ok: false }
type Table = Readonly<Record<string, string>>

const NO_NAME =
  'Correct the host in DSTACK_URL, or the DNS of this machine: the name does not resolve.'
const NO_ROUTE =
  'Check the host in DSTACK_URL, the network and its firewalls: there is no way to it from here.'
const NO_FILES =
  'Raise the limit of open files of this backend (ulimit -n, LimitNOFILE), and see who opens so many connections to it.'
const NO_CA =
  'Mend the certificate of what answers at DSTACK_URL, or set NODE_EXTRA_CA_CERTS to the file of its CA.'
const NO_TLS = 'Write http:// in DSTACK_URL: what listens there does not speak TLS.'
const NOT_A_VMM =
  'Correct DSTACK_URL: something else than a VMM answers there; port 8080 may be this backend itself.'

const CONNECT: Table = {
  ECONNREFUSED:
    'Start the VMM, or correct the port in DSTACK_URL: nothing listens there (see `address` in vmm.toml).',
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  EMFILE: NO_FILES,
  ENFILE: NO_FILES,
}

const CONNECT_FROM_CONTAINER: Table = {
  ECONNREFUSED:
    "Start the VMM, or let it listen on the bridge's address, which a VMM on 127.0.0.1 does not; or give the container the host's network and write localhost in DSTACK_URL.",
  ENOTFOUND:
    'Give the container extra_hosts: host.docker.internal:host-gateway, or the network of the host with localhost in DSTACK_URL.',
}

const CONNECT_SOCKET: Table = {
  ECONNREFUSED:
    'Start the VMM: the socket in DSTACK_URL is a stale one or a regular file; mount its folder, not the socket, into a container.',
  ENOENT:
    'Start the VMM, or correct the path in DSTACK_URL; into a container, mount the folder of the socket, not the socket.',
  EACCES:
    'Give the user that this backend runs as write permission on the socket in DSTACK_URL, and access to its folder.',
}

const TIMEOUT =
  "Look at the VMM's log and run `lspci -nn -vv` on its host: the VMM's workers may be stuck in lspci, and a restart of the VMM frees them; if it is on another machine, see that no firewall swallows the connection."

const TOKEN_FILE: Record<TokenProblem, string> = {
  missing: 'Correct DSTACK_TOKEN_FILE, or put the file there: it names a file that does not exist.',
  unreadable:
    'Let the user that this backend runs as read the file that DSTACK_TOKEN_FILE names: it can not be read.',
  not_a_file: 'Correct DSTACK_TOKEN_FILE: it names something else than a regular file.',
  too_large: 'Correct DSTACK_TOKEN_FILE: it names a file that is too large to hold a token alone.',
  empty: "Put the VMM's token into the file that DSTACK_TOKEN_FILE names: it is empty.",
  malformed:
    'Correct the file that DSTACK_TOKEN_FILE names: it must hold a token alone, of visible ASCII characters.',
}

const REFUSED: Record<TokenSource['kind'] | 'credentials', string> = {
  none: "Set DSTACK_TOKEN or DSTACK_TOKEN_FILE to the token in [auth] of the VMM's vmm.toml: it asks for one.",
  value: "Compare DSTACK_TOKEN with the token in [auth] of the VMM's vmm.toml, which refused it.",
  file: "Compare the file that DSTACK_TOKEN_FILE names with the token in [auth] of the VMM's vmm.toml, which refused it.",
  credentials:
    "Compare the credentials in DSTACK_URL with the token in [auth] of the VMM's vmm.toml, which refused them.",
}

const STATUS: Table = {
  '3xx':
    'Set DSTACK_URL to the VMM itself: what answers there points elsewhere, and redirects are not followed.',
  '400': "Look at the VMM's log: it answered with an error of its own.",
  '404':
    'Correct DSTACK_URL: what answers there does not know /prpc/ListGpus, so it is no VMM (port 8080 may be this backend itself) or the path is wrong.',
  '5xx':
    'Look at the log of what answers at DSTACK_URL, the VMM or a proxy before it: it fails on its side.',
}
const NO_LSPCI =
  "Install pciutils on the VMM's host, and see that `lspci -nn -vv` works there: the VMM can not run it."
const NOT_HTTP =
  'Correct DSTACK_URL: what listens there does not speak HTTP; if it speaks TLS, write https://.'

/** What to do about a reading that failed, in one sentence without a path or a secret; empty for a good one. */
export function adviseDstack(
  reading: GpuReading,
  endpoint: Endpoint,
  tokenKind: TokenSource['kind'],
): string {
  if (reading.ok) return ''
  switch (reading.failure) {
    case 'connect':
      return adviseConnect(reading.detail, endpoint)
    case 'timeout':
      return TIMEOUT
    case 'auth':
      return adviseAuth(reading, endpoint, tokenKind)
    case 'http':
      return adviseStatus(reading)
    case 'invalid':
      return reading.detail.startsWith('HPE_') ? NOT_HTTP : NOT_A_VMM
    case 'too_large':
      return NOT_A_VMM
  }
}

function adviseConnect(code: string, { baseUrl, socketPath }: Endpoint): string {
  const isBridge = new URL(baseUrl).hostname === 'host.docker.internal'
  const special = socketPath !== undefined ? CONNECT_SOCKET : isBridge ? CONNECT_FROM_CONTAINER : {}
  const known = special[code] ?? CONNECT[code]
  if (known !== undefined) return known
  if (/CERT|SIGNATURE/.test(code)) return NO_CA
  if (/^(EPROTO$|ERR_SSL_)/.test(code)) return NO_TLS
  return `Look at the VMM's log, and check DSTACK_URL: the connection ended without an answer (${code}).`
}

function adviseAuth(
  { tokenProblem }: Failure,
  { authorization }: Endpoint,
  tokenKind: TokenSource['kind'],
): string {
  if (tokenProblem !== undefined) return TOKEN_FILE[tokenProblem]
  return REFUSED[tokenKind === 'none' && authorization !== undefined ? 'credentials' : tokenKind]
}

function adviseStatus({ status = 0, words = '' }: Failure): string {
  if (status === 400 && /lspci/i.test(words)) return NO_LSPCI
  return STATUS[status] ?? STATUS[`${Math.floor(status / 100)}xx`] ?? NOT_A_VMM
}
