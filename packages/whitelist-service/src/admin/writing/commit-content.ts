import { errorCode } from '@dstack-node/service-kit/error-code'
import { overwriteInPlace, type Overwriting } from './overwrite-in-place.js'
import { replaceFile } from './replace-file.js'

/** What rename fails with where the file is a mount of its own, though nothing else told so. */
const NO_RENAME = new Set(['EBUSY', 'EXDEV'])

/** Gives a file its new content: by putting another file in its place, or in place where it has to be. */
export async function commitContent(overwriting: Overwriting, isMount: boolean): Promise<void> {
  if (isMount) {
    await overwriteInPlace(overwriting)
    return
  }
  try {
    await replaceFile(overwriting)
  } catch (error) {
    if (!NO_RENAME.has(errorCode(error))) throw error
    await overwriteInPlace(overwriting)
  }
}
