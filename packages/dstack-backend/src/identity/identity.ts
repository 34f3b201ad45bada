import {
  createFile,
  formatNpub,
  removeStaleTemporaries,
  StartError,
  type Logger,
} from '@dstack-node/service-kit'
import {
  assertCreatable,
  explainErrors,
  isThere,
  keyPathOf,
  makeFolder,
  readKeyFile,
  RESTORE,
  type Warn,
} from './key-file.js'
import { derivePubkey, generateSecretKey } from './secret-key.js'

/** Who this machine is on the network. The secret stays in the file: nothing here needs it. */
export interface Identity {
  /** 64 lower-case hex digits. */
  pubkey: string
  npub: string
}

/**
 * Loads the machine's key from `dataDir`/key, or creates it, whole or not at all, however many starts do
 * the same at once. An existing file is never written to: other programs share it.
 *
 * Throws a StartError when the file can't be read, created, or is no key; no error repeats its content.
 */
export async function loadOrCreateIdentity(
  dataDir: string,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<Identity> {
  const path = keyPathOf(dataDir)
  const warn: Warn = (message) => {
    log.warn(message)
  }
  return explainErrors(path, async () => {
    await makeFolder(dataDir)
    const existing = await readKeyFile(path, warn)
    const created = existing === undefined && (await createFile(path, generateSecretKey(), 0o600))
    // Read back what is on the disk: another start may have been quicker.
    const text = existing ?? (await readKeyFile(path, warn))
    await removeStaleTemporaries(path)
    const identity = parseIdentity(path, text)
    log.info(identity, created ? `created a new key in ${path}` : `loaded the key in ${path}`)
    return identity
  })
}

/**
 * Reads the machine's key and changes nothing; undefined where there is none, but one can be created. Throws
 * a StartError where `loadOrCreateIdentity` would.
 */
export async function readIdentity(dataDir: string, warn: Warn): Promise<Identity | undefined> {
  const path = keyPathOf(dataDir)
  return explainErrors(path, async () => {
    const text = await readKeyFile(path, warn)
    if (text === undefined && !(await isThere(path))) {
      await assertCreatable(dataDir)
      return undefined
    }
    return parseIdentity(path, text)
  })
}

function parseIdentity(path: string, text: string | undefined): Identity {
  if (text === undefined) {
    throw new StartError(`${path}: is a link to a file that does not exist`, {
      nextStep: 'Repair or remove the link.',
    })
  }
  const trimmed = text.replace(/^\ufeff/, '').replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '')
  if (trimmed === '') {
    throw new StartError(`${path}: is empty, which an interrupted older program leaves`, {
      nextStep: 'Restore the key from a backup, or remove the file to get a new one.',
    })
  }
  const pubkey = derivePubkey(trimmed)
  if (pubkey === undefined) {
    throw new StartError(`${path}: is no valid secret key (64 hex digits or an nsec)`, {
      nextStep: RESTORE,
    })
  }
  return { pubkey, npub: formatNpub(pubkey) }
}
