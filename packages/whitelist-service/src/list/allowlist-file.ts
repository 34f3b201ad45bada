import { errorCode, StartError, type Logger } from '@dstack-node/service-kit'
import type { AllowlistReading, ReadAllowlist } from './allowlist-reader.js'
import type { Allowlist } from './allowlist.js'
import { collectGarbage } from './collect-garbage.js'
import { createEmptyList } from './empty-list.js'
import { follow, signatureOf } from './follow.js'
import { mountRootOf, type MountRootOf } from './mount-root.js'

/** The list that is served, and how it stands to the file. */
export interface AllowlistState {
  allowlist: Allowlist
  /** The sha256 of the file's content, in hex. */
  hash: string
  loadedAt: Date
  /** Why the file on disk is not the list that is served; undefined while it is. */
  problem: string | undefined
}

/** A list file that is followed: whatever happens to the file, the last good list stays. */
export interface AllowlistFile {
  state: () => AllowlistState
  /** Looks at the content now, whether or not the file seems to have changed. */
  reload: () => Promise<void>
  /** Whether, outside, another file was put in the place of a mounted one, which goes on showing the old. */
  wasReplacedOutside: () => Promise<boolean>
  /** Stops following; it waits for no reading that is under way. */
  close: () => void
}

/**
 * How often an unchanged-looking file is read again after a change: two writes within one tick of the
 * file system's clock look alike, and on some that tick lasts 2 s.
 */
const RECHECKS = 4
/** How many looks in a row may find the file changed before it is read all the same. */
const PATIENCE = 3
/** A list of this size is worth being cleared away at once. */
const LARGE_BYTES = 4 * 1024 * 1024
const REPLACED_OUTSIDE =
  'it was replaced outside this container, which still sees the old one: restart the container'

interface OpenOptions {
  path: string
  read: ReadAllowlist
  log: Logger
  mountRoot?: MountRootOf
}

/**
 * Loads the list, creating an empty one where none is, and follows the file from then on. It asks the
 * file system twice a second: unlike notifications, that sees writes, renames and swapped symlinks.
 *
 * Throws a StartError when there is no usable list to begin with; the file is left as it is.
 */
export async function openAllowlistFile(options: OpenOptions): Promise<AllowlistFile> {
  const { path, read, log, mountRoot = mountRootOf } = options
  const mounted = await mountRoot(path)
  let seen = await signatureOf(path)
  const { allowlist, hash } = await loadFirst(options)
  let state: AllowlistState = { allowlist, hash, loadedAt: new Date(), problem: undefined }
  let rechecks = RECHECKS
  let unsettled = 0
  let retry = false

  async function wasReplacedOutside(): Promise<boolean> {
    return mounted !== undefined && (await mountRoot(path)) !== mounted
  }

  async function look(): Promise<void> {
    const signature = await signatureOf(path)
    const changed = signature !== seen
    seen = signature
    unsettled = changed ? unsettled + 1 : 0
    if (changed || (await wasReplacedOutside())) rechecks = RECHECKS
    else if (rechecks > 0) rechecks -= 1
    else if (!retry) return
    // Whoever writes it piece by piece gets the time of one look to finish, or of two.
    if (unsettled > 0 && unsettled < PATIENCE) return
    await readAgain()
  }

  async function readAgain(): Promise<void> {
    if (await wasReplacedOutside()) {
      reportProblem(`${path}: ${REPLACED_OUTSIDE}`)
      return
    }
    const reading = await read(path, state.hash)
    retry = reading.kind === 'unreadable'
    if (reading.kind === 'list') {
      const { allowlist, hash } = reading
      const replaced = state.allowlist.listBody.length
      state = { allowlist, hash, loadedAt: new Date(), problem: undefined }
      if (replaced > LARGE_BYTES) collectGarbage()
      logList(log, path, reading.allowlist)
    } else if (reading.kind === 'unchanged') {
      if (state.problem !== undefined) log.info(`${path} is the list being served again`)
      state = { ...state, problem: undefined }
    } else {
      reportProblem(`${path}: ${reading.reason}`)
    }
  }

  function reportProblem(problem: string): void {
    if (problem !== state.problem) log.error({ problem }, 'the last good list is still served')
    state = { ...state, problem }
  }

  const follower = follow(look)
  return {
    state: () => state,
    reload: () => follower.run(readAgain),
    wasReplacedOutside,
    close: follower.stop,
  }
}

async function loadFirst(options: OpenOptions): Promise<AllowlistReading & { kind: 'list' }> {
  const { path, read, log } = options
  let reading = await read(path)
  if (reading.kind === 'missing') {
    if (await createEmpty(path)) {
      log.warn(`${path} was not there: created it with an empty list; add keys to it`)
    }
    reading = await read(path)
  }
  if (reading.kind === 'list') {
    logList(log, path, reading.allowlist)
    return reading
  }
  throw new StartError(`${path}: ${reading.kind === 'unchanged' ? 'is empty' : reading.reason}`)
}

async function createEmpty(path: string): Promise<boolean> {
  try {
    return await createEmptyList(path)
  } catch (error) {
    throw new StartError(
      `${path}: the file is not there and can't be created (${errorCode(error)}): create it, or set WHITELIST_FILE`,
    )
  }
}

function logList(log: Logger, path: string, allowlist: Allowlist): void {
  const { version, keys, banned, otherIndexes, otherCount, entryCount } = allowlist
  log.info(
    { version, keys: keys.size, entries: entryCount, banned: banned.size },
    `serving ${path}`,
  )
  if (entryCount === 0) log.warn('the list is empty: no key is whitelisted')
  if (otherCount > 0) {
    log.warn(
      { count: otherCount, indexes: otherIndexes },
      'some entries are no valid keys: they match only a query that is spelled exactly so',
    )
  }
}
