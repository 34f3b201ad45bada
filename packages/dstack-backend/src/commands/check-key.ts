import { StartError } from '@dstack-node/service-kit'
import { readIdentity, type Identity } from '../identity/identity.js'
import { keyPathOf } from '../identity/key-file.js'
import { doubtful, skipped, well, wrong, type Step } from './step.js'

/** The machine's key, which is read as a start reads it, but never made. */
export async function checkKey(
  dataDir: string,
): Promise<{ step: Step; identity: Identity | undefined }> {
  const path = keyPathOf(dataDir)
  const doubts: string[] = []
  try {
    const identity = await readIdentity(dataDir, (doubt) => doubts.push(doubt))
    return { step: describe(path, identity, doubts), identity }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return { step: wrong('key', error.message, error.nextStep ?? ''), identity: undefined }
  }
}

function describe(path: string, identity: Identity | undefined, doubts: string[]): Step {
  if (!identity) {
    return skipped(
      'key',
      `${path} is not there yet: the first start makes it, or: node dist/backend.js pubkey --create`,
    )
  }
  const message = `${path} is ${identity.npub}`
  if (doubts.length === 0) return well('key', message)
  return doubtful('key', message, doubts.join('; '))
}
