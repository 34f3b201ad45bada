import { createLogger } from '@dstack-node/service-kit'
import type { Command, CommandContext } from '@dstack-node/service-kit/command'
import { CommandError, EXIT, UsageError } from '@dstack-node/service-kit/command-error'
import { parseDataDir } from '../config.js'
import { loadOrCreateIdentity, readIdentity, type Identity } from '../identity/identity.js'
import { keyPathOf } from '../identity/key-file.js'

const help = `node dist/backend.js pubkey [--create] [--json]
Prints the public key of this machine, as hex and as npub; the secret key stays where it is.
It needs no variable but DATA_DIR, and asks nobody.

  --create          makes the key where there is none yet, as the first start does
  --json            prints {"pubkey", "npub", "created"}

Exit code:
  0  there is a key
  1  there is none yet
  2  the arguments make no sense
  3  it could not be done
The reason for 1, 2 and 3 is on stderr, and nothing is on stdout then.
`

/** `pubkey`: the public key of this machine. */
export const pubkeyCommand: Command = {
  help,
  flags: ['create', 'json'],
  run,
}

async function run(context: CommandContext): Promise<number> {
  if (context.positionals.length > 0) throw new UsageError('an argument is not known')
  const dataDir = parseDataDir(context.loadEnv())
  const doubts: string[] = []
  const existing = await readIdentity(dataDir, (doubt) => doubts.push(doubt))
  if (!existing && !context.flags.has('create')) throw noKey(dataDir)
  const identity = existing ?? (await create(dataDir))
  if (!existing) await context.stderr.write(`made a new key: ${keyPathOf(dataDir)}\n`)
  for (const doubt of doubts) await context.stderr.write(`warning: ${doubt}\n`)
  await context.stdout.write(format(context, identity, !existing))
  return EXIT.yes
}

function noKey(dataDir: string): CommandError {
  return new CommandError(
    `${keyPathOf(dataDir)} is not there yet: the first start makes it, and so does --create`,
    EXIT.no,
  )
}

/** A service that starts meanwhile may be quicker: the key is the same one then. */
async function create(dataDir: string): Promise<Identity> {
  const log = await createLogger('dstack-backend', { level: 'silent', format: 'json' }, {})
  return loadOrCreateIdentity(dataDir, log)
}

function format({ flags }: CommandContext, { pubkey, npub }: Identity, created: boolean): string {
  if (flags.has('json')) return `${JSON.stringify({ pubkey, npub, created })}\n`
  return `hex   ${pubkey}\nnpub  ${npub}\n`
}
